// Prisma 7 on its adapter for `pg`: its query compiler is WebAssembly from npm, no engine to fetch.
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/client.ts";
import { plain, serve, words } from "./worker.ts";

serve(async (url, connections) => {
  const adapter = new PrismaPg({ connectionString: url, max: connections });
  const prisma = new PrismaClient({ adapter });
  await prisma.$connect();

  const theChat = (userId: string, id: string) => ({ userId_id: { userId, id } });
  const touch = (userId: string, id: string) =>
    prisma.chat.update({ where: theChat(userId, id), data: { updatedAt: new Date() } });

  return {
    packages: ["@prisma/client", "@prisma/adapter-pg", "pg"],
    calls: {
      user_by_email: (email: string) => prisma.user.findFirst({ where: { email } }),
      user_with_accounts: (id: string) =>
        prisma.user.findUnique({
          where: { id },
          include: {
            accounts: { orderBy: [{ provider: "asc" }, { providerAccountId: "asc" }] },
          },
        }),
      chats_of_user: (userId: string) =>
        prisma.chat.findMany({
          where: { userId },
          orderBy: [{ updatedAt: "desc" }, { id: "desc" }],
          take: 50,
        }),
      chat_with_messages: (userId: string, id: string) =>
        prisma.chat.findUnique({
          where: theChat(userId, id),
          include: { messages: { orderBy: { seq: "asc" }, take: 100 } },
        }),
      messages_before: (userId: string, chatId: string, seq: number) =>
        prisma.message.findMany({
          where: { userId, chatId, seq: { lt: seq } },
          orderBy: { seq: "desc" },
          take: 50,
        }),
      settings_get: (userId: string) => prisma.userSettings.findUnique({ where: { userId } }),
      settings_update: (userId: string, theme: string, maxSearchResults: number) =>
        prisma.userSettings.upsert({
          where: { userId },
          create: { userId, theme, maxSearchResults },
          update: { theme, maxSearchResults, updatedAt: new Date() },
        }),
      append_message: async (userId: string, chatId: string, id: string) => {
        const data = { id, userId, chatId, role: "user", content: words.said };
        const [, message] = await prisma.$transaction([
          touch(userId, chatId),
          prisma.message.create({ data }),
        ]);
        return message.id;
      },
      insert_messages: async (userId: string, chatId: string, tag: string) => {
        const data = words.ten.map(([role, content], number) => ({
          id: `${tag}_${number}`,
          userId,
          chatId,
          role,
          content,
        }));
        const [, stored] = await prisma.$transaction([
          touch(userId, chatId),
          prisma.message.createManyAndReturn({ data }),
        ]);
        return stored.map((message) => message.id);
      },
      create_chat: async (userId: string, id: string) => {
        const first = { id, role: words.first_role, content: words.first_content };
        const data = { id, userId, title: words.title, messages: { create: first } };
        return (await prisma.chat.create({ data })).id;
      },
      delete_chat: async (userId: string, id: string) =>
        (await prisma.chat.delete({ where: theChat(userId, id) })).id,
    },
    plain,
    close: () => prisma.$disconnect(),
  };
});
