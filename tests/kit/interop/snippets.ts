// The seed's section 7, word for word between the lines, run by the real drizzle-orm.
// Prints what each snippet gave, as JSON.
import { relations, sql, eq, desc, asc, and, lt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as tables from "./schema/schema3.ts";

const { users, accounts, sessions, chats, messages, userSettings, searchCache } = tables;

// ---- 4.2 Relationship definitions
const usersRelations = relations(users, ({ many }) => ({
  accounts: many(accounts),
  sessions: many(sessions),
  chats: many(chats),
}));
const accountsRelations = relations(accounts, ({ one }) => ({
  user: one(users, {
    fields: [accounts.userId],
    references: [users.id]
  }),
}));
const sessionsRelations = relations(sessions, ({ one }) => ({
  user: one(users, {
    fields: [sessions.userId],
    references: [users.id]
  }),
}));
const chatsRelations = relations(chats, ({ one, many }) => ({
  user: one(users, {
    fields: [chats.userId],
    references: [users.id]
  }),
  messages: many(messages),
}));
const messagesRelations = relations(messages, ({ one }) => ({
  chat: one(chats, {
    fields: [messages.chatId],
    references: [chats.id]
  }),
}));
// ----

// postgres.js would send a URL's `?host=` to the server as a setting; the socket goes in by hand.
const url = new URL(process.env.DATABASE_URL!);
const client = postgres({
  host: url.searchParams.get("host") ?? url.hostname,
  database: url.pathname.slice(1),
  username: url.username,
  max: 3,
});
const db = drizzle(client, {
  schema: {
    ...tables, usersRelations, accountsRelations, sessionsRelations, chatsRelations, messagesRelations,
  },
});
const said: Record<string, unknown> = {};

const [created] = await db.insert(users).values({ email: "user@example.com", name: "Ada" }).returning();
const userId = created!.id;
await db.insert(accounts).values({
  userId, type: "oauth", provider: "github", providerAccountId: "42", expires_at: 1_700_000_000,
});
await db.insert(sessions).values({ sessionToken: "token-1", userId, expires: new Date(2_000_000_000_000) });
await db.insert(userSettings).values({ userId });
await db.insert(searchCache).values({
  query: "postgres", results: { organic: [] } as never, expiresAt: new Date(2_000_000_000_000),
});
said.userId = userId;

// ---- 7.1 Get user by email
{
  const user = await db.query.users.findFirst({
    where: eq(users.email, "user@example.com"),
  });
  said.byEmail = user;
}

// ---- 7.1 Get user with accounts
{
  const user = await db.query.users.findFirst({
    where: eq(users.id, userId),
    with: {
      accounts: true,
    },
  });
  said.withAccounts = user?.accounts.map((account) => account.providerAccountId);
}

// ---- 7.2 Create chat with initial message
await db.transaction(async (tx) => {
  const [chat] = await tx.insert(chats).values({
    userId,
    title: "New Chat",
  }).returning();

  await tx.insert(messages).values({
    chatId: chat!.id,
    role: "system",
    content: "Hello! How can I help you today?",
  });
});

const chatId = (await db.query.chats.findFirst())!.id;
said.chatId = chatId;

// ---- 7.3 Insert multiple messages
await db.insert(messages).values([
  { chatId, role: "user", content: "Question 1" },
  { chatId, role: "assistant", content: "Answer 1" },
  { chatId, role: "user", content: "Question 2" },
]);

await db.insert(messages).values({
  chatId,
  role: "assistant",
  content: "Answer 2",
  sources: [{ title: "T", url: "https://example.com", snippet: "S" }],
  metadata: { model: "m", tokens: { prompt: 1, completion: 2, total: 3 }, processingTime: 12.5 },
});

// ---- 7.1 List user's chats
{
  const userChats = await db.query.chats.findMany({
    where: eq(chats.userId, userId),
    orderBy: [desc(chats.updatedAt)],
    limit: 50,
  });
  said.userChats = userChats.map((chat) => chat.title);
}

// ---- 7.1 Get chat with messages
{
  const chat = await db.query.chats.findFirst({
    where: eq(chats.id, chatId),
    with: {
      messages: {
        orderBy: [asc(messages.createdAt)],
        limit: 100,
      },
    },
  });
  said.chatMessages = chat?.messages.map((message) => message.content).sort();
  said.sources = chat?.messages.find((message) => message.content === "Answer 2")?.sources;
  said.metadata = chat?.messages.find((message) => message.content === "Answer 2")?.metadata;
}

// ---- 7.1 Paginated messages
{
  const cursorDate = new Date(Date.now() + 60_000);
  const page = await db.query.messages.findMany({
    where: and(
      eq(messages.chatId, chatId),
      lt(messages.createdAt, cursorDate), // Cursor-based pagination
    ),
    orderBy: [desc(messages.createdAt)],
    limit: 50,
  });
  said.page = page.length;
}

// ---- 7.4 Select only needed columns
{
  const names = await db.select({
    id: users.id,
    name: users.name,
  }).from(users);
  said.names = names;
  said.allColumns = (await db.select().from(users)).length;
}

// ---- 7.4 Use prepared statements
{
  const getUserById = db.query.users.findFirst({
    where: eq(users.id, sql.placeholder('userId')),
  }).prepare("get_user_by_id");

  const user1 = await getUserById.execute({ userId });
  const user2 = await getUserById.execute({ userId: '456' });
  said.prepared = [user1?.email, user2 ?? null];
}

// ---- 7.4 Batch queries with Promise.all
{
  const [user, userChats, settings] = await Promise.all([
    db.query.users.findFirst({ where: eq(users.id, userId) }),
    db.query.chats.findMany({ where: eq(chats.userId, userId) }),
    db.query.userSettings.findFirst({ where: eq(userSettings.userId, userId) }),
  ]);
  said.atOnce = [user?.email, userChats.length, settings?.theme];
}

// What the seed's text says beside the snippets: rename a chat, change settings.
await db.update(chats).set({ title: "Renamed" }).where(eq(chats.id, chatId));
await db.update(userSettings).set({ theme: "light" }).where(eq(userSettings.userId, userId));

console.log(JSON.stringify(said));
await client.end();
