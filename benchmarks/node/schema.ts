// The hardened tables as Drizzle declares them, with the relations of the seed.
import { relations } from "drizzle-orm";
import {
  bigint,
  boolean,
  foreignKey,
  integer,
  jsonb,
  pgTableCreator,
  primaryKey,
  text,
  timestamp,
  varchar,
} from "drizzle-orm/pg-core";

const createTable = pgTableCreator((name) => `b_${name}`);
const time = (name: string) => timestamp(name, { mode: "date", withTimezone: true });
const now = (name: string) => time(name).notNull().defaultNow();

interface Source {
  title: string;
  url: string;
  snippet: string;
  favicon?: string;
}

interface MessageMetadata {
  searchQuery?: string;
  crawledUrls?: string[];
  model?: string;
  tokens?: { prompt: number; completion: number; total: number };
  processingTime?: number;
}

export const users = createTable("user", {
  id: varchar("id", { length: 255 }).primaryKey(),
  name: varchar("name", { length: 255 }),
  email: varchar("email", { length: 255 }).notNull(),
  emailVerified: time("email_verified"),
  image: text("image"),
  isAdmin: boolean("is_admin").notNull().default(false),
  createdAt: now("created_at"),
  updatedAt: now("updated_at"),
});

export const accounts = createTable(
  "account",
  {
    userId: varchar("user_id", { length: 255 }).notNull(),
    type: varchar("type", { length: 255 }).notNull(),
    provider: varchar("provider", { length: 255 }).notNull(),
    providerAccountId: varchar("provider_account_id", { length: 255 }).notNull(),
    refreshToken: text("refresh_token"),
    accessToken: text("access_token"),
    expiresAt: bigint("expires_at", { mode: "number" }),
    tokenType: varchar("token_type", { length: 255 }),
    scope: varchar("scope", { length: 255 }),
    idToken: text("id_token"),
    sessionState: varchar("session_state", { length: 255 }),
    createdAt: now("created_at"),
    updatedAt: now("updated_at"),
  },
  (account) => [primaryKey({ columns: [account.provider, account.providerAccountId] })],
);

export const chats = createTable("chat", {
  id: varchar("id", { length: 255 }).primaryKey(),
  userId: varchar("user_id", { length: 255 }).notNull(),
  title: varchar("title", { length: 500 }).notNull(),
  createdAt: now("created_at"),
  updatedAt: now("updated_at"),
});

export const messages = createTable(
  "message",
  {
    id: varchar("id", { length: 255 }).primaryKey(),
    chatId: varchar("chat_id", { length: 255 }).notNull(),
    role: varchar("role", { length: 50 }).notNull(),
    content: text("content").notNull(),
    sources: jsonb("sources").$type<Source[]>(),
    metadata: jsonb("metadata").$type<MessageMetadata>(),
    createdAt: now("created_at"),
    userId: varchar("user_id", { length: 255 }).notNull(),
    seq: bigint("seq", { mode: "number" }).notNull().generatedByDefaultAsIdentity(),
  },
  (message) => [
    foreignKey({
      columns: [message.userId, message.chatId],
      foreignColumns: [chats.userId, chats.id],
    }).onDelete("cascade"),
  ],
);

export const userSettings = createTable("user_settings", {
  userId: varchar("user_id", { length: 255 }).notNull().primaryKey(),
  theme: varchar("theme", { length: 20 }).default("dark"),
  language: varchar("language", { length: 10 }).default("en"),
  defaultModel: varchar("default_model", { length: 50 }),
  enableSearchByDefault: boolean("enable_search_by_default").notNull().default(true),
  maxSearchResults: integer("max_search_results").default(10),
  updatedAt: now("updated_at"),
  createdAt: now("created_at"),
});

export const usersRelations = relations(users, ({ many }) => ({ accounts: many(accounts) }));
export const accountsRelations = relations(accounts, ({ one }) => ({
  user: one(users, { fields: [accounts.userId], references: [users.id] }),
}));
export const chatsRelations = relations(chats, ({ many }) => ({ messages: many(messages) }));
export const messagesRelations = relations(messages, ({ one }) => ({
  chat: one(chats, {
    fields: [messages.userId, messages.chatId],
    references: [chats.userId, chats.id],
  }),
}));
