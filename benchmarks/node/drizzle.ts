// Drizzle as the seed writes it: on postgres.js, each query built at each call, transactions.
import { and, asc, desc, eq, lt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as schema from "./schema.ts";
import { plain, serve, words } from "./worker.ts";

const { accounts, chats, messages, userSettings, users } = schema;

serve(async (url, connections) => {
  const client = postgres(url, { max: connections, onnotice: () => {} });
  const db = drizzle(client, { schema });

  const insert = (userId: string, chatId: string, given: (typeof messages.$inferInsert)[]) =>
    db.transaction(async (tx) => {
      await tx
        .update(chats)
        .set({ updatedAt: sql`now()` })
        .where(and(eq(chats.userId, userId), eq(chats.id, chatId)));
      return tx.insert(messages).values(given).returning();
    });

  return {
    packages: ["drizzle-orm", "postgres"],
    calls: {
      user_by_email: (email: string) => db.query.users.findFirst({ where: eq(users.email, email) }),
      user_with_accounts: (id: string) =>
        db.query.users.findFirst({
          where: eq(users.id, id),
          with: {
            accounts: { orderBy: [asc(accounts.provider), asc(accounts.providerAccountId)] },
          },
        }),
      chats_of_user: (userId: string) =>
        db.query.chats.findMany({
          where: eq(chats.userId, userId),
          orderBy: [desc(chats.updatedAt), desc(chats.id)],
          limit: 50,
        }),
      chat_with_messages: (userId: string, id: string) =>
        db.query.chats.findFirst({
          where: and(eq(chats.userId, userId), eq(chats.id, id)),
          with: { messages: { orderBy: [asc(messages.seq)], limit: 100 } },
        }),
      messages_before: (userId: string, chatId: string, seq: number) =>
        db.query.messages.findMany({
          where: and(
            eq(messages.userId, userId),
            eq(messages.chatId, chatId),
            lt(messages.seq, seq),
          ),
          orderBy: [desc(messages.seq)],
          limit: 50,
        }),
      settings_get: (userId: string) =>
        db.query.userSettings.findFirst({ where: eq(userSettings.userId, userId) }),
      settings_update: async (userId: string, theme: string, maxSearchResults: number) => {
        const set = { theme, maxSearchResults, updatedAt: sql`now()` };
        const rows = await db
          .insert(userSettings)
          .values({ userId, theme, maxSearchResults })
          .onConflictDoUpdate({ target: userSettings.userId, set })
          .returning();
        return rows[0];
      },
      append_message: async (userId: string, chatId: string, id: string) => {
        const message = { id, userId, chatId, role: "user", content: words.said };
        return (await insert(userId, chatId, [message]))[0].id;
      },
      insert_messages: async (userId: string, chatId: string, tag: string) => {
        const given = words.ten.map(([role, content], number) => ({
          id: `${tag}_${number}`,
          userId,
          chatId,
          role,
          content,
        }));
        return (await insert(userId, chatId, given)).map((message) => message.id);
      },
      create_chat: (userId: string, id: string) =>
        db.transaction(async (tx) => {
          const [chat] = await tx
            .insert(chats)
            .values({ id, userId, title: words.title })
            .returning();
          await tx.insert(messages).values({
            id,
            userId,
            chatId: chat.id,
            role: words.first_role,
            content: words.first_content,
          });
          return chat.id;
        }),
      delete_chat: async (userId: string, id: string) => {
        const where = and(eq(chats.userId, userId), eq(chats.id, id));
        return (await db.delete(chats).where(where).returning({ id: chats.id }))[0].id;
      },
    },
    plain,
    close: () => client.end(),
  };
});
