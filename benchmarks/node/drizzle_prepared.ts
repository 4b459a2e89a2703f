// Drizzle at its fastest: every query prepared once, each pattern in one statement.
//
//     node --import tsx drizzle_prepared.ts URL CONNECTIONS [pg|postgres]
//
// On `pg` a prepared query is prepared in PostgreSQL under its name; on postgres.js Drizzle keeps
// only the text of it.
import { and, asc, desc, eq, lt, sql } from "drizzle-orm";
import { drizzle as onPg } from "drizzle-orm/node-postgres";
import { drizzle as onPostgres } from "drizzle-orm/postgres-js";
import pg from "pg";
import postgres from "postgres";
import * as schema from "./schema.ts";
import { plain, serve, words } from "./worker.ts";

const { accounts, chats, messages, userSettings, users } = schema;
const given = sql.placeholder;

function connect(url: string, max: number) {
  if (process.argv[4] === "postgres") {
    const client = postgres(url, { max, onnotice: () => {} });
    return { db: onPostgres(client, { schema }), close: () => client.end() };
  }
  const client = new pg.Pool({ connectionString: url, max });
  // Both kinds have the same queries; their types differ in what a raw query gives.
  const db = onPg(client, { schema }) as unknown as ReturnType<typeof onPostgres<typeof schema>>;
  return { db, close: () => client.end() };
}

serve(async (url, connections) => {
  const { db, close } = connect(url, connections);
  const theChat = and(eq(chats.userId, given("userId")), eq(chats.id, given("chatId")));
  const moved = db
    .$with("moved")
    .as(db.update(chats).set({ updatedAt: sql`now()` }).where(theChat).returning());
  const message = (number: number | "") => ({
    id: given(`id${number}`),
    userId: given("userId"),
    chatId: given("chatId"),
    role: given(`role${number}`),
    content: given(`content${number}`),
  });
  const made = db.$with("made").as(
    db
      .insert(chats)
      .values({ id: given("chatId"), userId: given("userId"), title: given("title") })
      .returning(),
  );

  const userByEmail = db.query.users
    .findFirst({ where: eq(users.email, given("email")) })
    .prepare("user_by_email");
  const userWithAccounts = db.query.users
    .findFirst({
      where: eq(users.id, given("id")),
      with: { accounts: { orderBy: [asc(accounts.provider), asc(accounts.providerAccountId)] } },
    })
    .prepare("user_with_accounts");
  const chatsOfUser = db.query.chats
    .findMany({
      where: eq(chats.userId, given("userId")),
      orderBy: [desc(chats.updatedAt), desc(chats.id)],
      limit: 50,
    })
    .prepare("chats_of_user");
  const chatWithMessages = db.query.chats
    .findFirst({
      where: theChat,
      with: { messages: { orderBy: [asc(messages.seq)], limit: 100 } },
    })
    .prepare("chat_with_messages");
  const messagesBefore = db.query.messages
    .findMany({
      where: and(
        eq(messages.userId, given("userId")),
        eq(messages.chatId, given("chatId")),
        lt(messages.seq, given("seq")),
      ),
      orderBy: [desc(messages.seq)],
      limit: 50,
    })
    .prepare("messages_before");
  const settingsGet = db.query.userSettings
    .findFirst({ where: eq(userSettings.userId, given("userId")) })
    .prepare("settings_get");
  const settingsUpdate = db
    .insert(userSettings)
    .values({ userId: given("userId"), theme: given("theme"), maxSearchResults: given("results") })
    .onConflictDoUpdate({
      target: userSettings.userId,
      set: {
        theme: sql`excluded.theme`,
        maxSearchResults: sql`excluded.max_search_results`,
        updatedAt: sql`now()`,
      },
    })
    .returning()
    .prepare("settings_update");
  const append = db.with(moved).insert(messages).values(message("")).returning().prepare("append");
  const insertTen = db
    .with(moved)
    .insert(messages)
    .values(words.ten.map((_, number) => message(number)))
    .returning()
    .prepare("insert_ten");
  const createChat = db
    .with(made)
    .insert(messages)
    .values(message(""))
    .returning({ chatId: messages.chatId })
    .prepare("create_chat");
  const deleteChat = db
    .delete(chats)
    .where(theChat)
    .returning({ id: chats.id })
    .prepare("delete_chat");

  return {
    packages: ["drizzle-orm", process.argv[4] === "postgres" ? "postgres" : "pg"],
    calls: {
      user_by_email: (email: string) => userByEmail.execute({ email }),
      user_with_accounts: (id: string) => userWithAccounts.execute({ id }),
      chats_of_user: (userId: string) => chatsOfUser.execute({ userId }),
      chat_with_messages: (userId: string, chatId: string) =>
        chatWithMessages.execute({ userId, chatId }),
      messages_before: (userId: string, chatId: string, seq: number) =>
        messagesBefore.execute({ userId, chatId, seq }),
      settings_get: (userId: string) => settingsGet.execute({ userId }),
      settings_update: async (userId: string, theme: string, results: number) =>
        (await settingsUpdate.execute({ userId, theme, results }))[0],
      append_message: async (userId: string, chatId: string, id: string) =>
        (await append.execute({ userId, chatId, id, role: "user", content: words.said }))[0].id,
      insert_messages: async (userId: string, chatId: string, tag: string) => {
        const values: Record<string, string> = { userId, chatId };
        words.ten.forEach(([role, content], number) => {
          values[`id${number}`] = `${tag}_${number}`;
          values[`role${number}`] = role;
          values[`content${number}`] = content;
        });
        return (await insertTen.execute(values)).map((each) => each.id);
      },
      create_chat: async (userId: string, id: string) => {
        const { first_role: role, first_content: content, title } = words;
        const values = { userId, chatId: id, id, role, content, title };
        return (await createChat.execute(values))[0].chatId;
      },
      delete_chat: async (userId: string, chatId: string) =>
        (await deleteChat.execute({ userId, chatId }))[0].id,
    },
    plain,
    close,
  };
});
