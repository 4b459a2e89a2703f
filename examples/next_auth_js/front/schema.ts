// Written by `chatkeep schema drizzle` from back.schema:schema. Change the schema there, not here.
//
// drizzle has no word for these; chatkeep's migrations keep them:
//   function public.app_search_lexemes(owner text, content text)
//   function public.app_search_text(content text)
import { relations, sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
  date,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  type PgTableExtraConfigValue,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  varchar,
} from "drizzle-orm/pg-core";

const bytea = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });

export const accounts = pgTable("app_account", {
  userId: varchar("user_id", { length: 255 }).notNull(),
  type: varchar("type", { length: 255 }).notNull(),
  provider: varchar("provider", { length: 255 }).notNull(),
  providerAccountId: varchar("provider_account_id", { length: 255 }).notNull(),
  refresh_token: text("refresh_token"),
  access_token: text("access_token"),
  expires_at: (bigint("expires_at", { mode: "number" }) as unknown as ReturnType<typeof integer<"expires_at">>),
  token_type: varchar("token_type", { length: 255 }),
  scope: text("scope"),
  id_token: text("id_token"),
  session_state: text("session_state"),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  primaryKey({ name: "app_account_provider_provider_account_id_pk", columns: [t.provider, t.providerAccountId] }),
  foreignKey({ name: "app_account_user_id_app_user_id_fk", columns: [t.userId], foreignColumns: [users.id] }).onDelete("cascade"),
  index("app_account_user_id_idx").on(t.userId),
]);
export type Account = typeof accounts.$inferSelect;
export type NewAccount = typeof accounts.$inferInsert;

export const chats = pgTable("app_chat", {
  id: varchar("id", { length: 255 }).$defaultFn(() => `chat_${crypto.randomUUID()}`).notNull().primaryKey(),
  userId: varchar("user_id", { length: 255 }).notNull(),
  title: varchar("title", { length: 500 }).notNull(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  head: varchar("head", { length: 255 }),
  revision: bigint("revision", { mode: "number" }).default(0).notNull(),
  isBranched: boolean("is_branched").default(false).notNull(),
  deletedAt: timestamp("deleted_at", { mode: "date", withTimezone: true }),
  isPinned: boolean("is_pinned").default(false).notNull(),
  isTemporary: boolean("is_temporary").default(false).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  unique("app_chat_user_id_id_unique").on(t.userId, t.id),
  foreignKey({ name: "app_chat_user_id_app_user_id_fk", columns: [t.userId], foreignColumns: [users.id] }).onDelete("cascade"),
  index("app_chat_user_id_deleted_at_id_idx").on(t.userId, t.deletedAt, t.id).where(sql`(deleted_at IS NOT NULL)`),
  index("app_chat_user_id_updated_at_id_idx").on(t.userId, t.updatedAt, t.id).where(sql`(deleted_at IS NULL)`),
]);
export type Chat = typeof chats.$inferSelect;
export type NewChat = typeof chats.$inferInsert;

export const chatShares = pgTable("app_chat_share", {
  id: varchar("id", { length: 255 }).$defaultFn(() => `share_${crypto.randomUUID()}`).notNull().primaryKey(),
  userId: varchar("user_id", { length: 255 }).notNull(),
  chatId: varchar("chat_id", { length: 255 }).notNull(),
  tokenHash: bytea("token_hash").notNull(),
  kind: varchar("kind", { length: 20 }).$type<"snapshot" | "live">().notNull(),
  head: varchar("head", { length: 255 }),
  title: varchar("title", { length: 500 }),
  expiresAt: timestamp("expires_at", { mode: "date", withTimezone: true }),
  revokedAt: timestamp("revoked_at", { mode: "date", withTimezone: true }),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  unique("app_chat_share_token_hash_unique").on(t.tokenHash),
  foreignKey({ name: "app_chat_share_user_id_chat_id_app_chat_user_id_id_fk", columns: [t.userId, t.chatId], foreignColumns: [chats.userId, chats.id] }).onDelete("cascade"),
  check("app_chat_share_kind_check", sql`((kind)::text = ANY (ARRAY['snapshot'::text, 'live'::text]))`),
  index("app_chat_share_user_id_chat_id_idx").on(t.userId, t.chatId),
]);
export type ChatShare = typeof chatShares.$inferSelect;
export type NewChatShare = typeof chatShares.$inferInsert;

export const messages = pgTable("app_message", {
  id: varchar("id", { length: 255 }).$defaultFn(() => `msg_${crypto.randomUUID()}`).notNull().primaryKey(),
  chatId: varchar("chat_id", { length: 255 }).notNull(),
  role: varchar("role", { length: 50 }).$type<"user" | "assistant" | "system" | "tool">().notNull(),
  content: text("content").notNull(),
  sources: jsonb("sources").$type<({ title: string; url: string; snippet: string; favicon?: string | null })[]>(),
  metadata: jsonb("metadata").$type<{ searchQuery?: string | null; crawledUrls?: string[] | null; model?: string | null; tokens?: { prompt: number; completion: number; total: number } | null; processingTime?: number | null }>(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  userId: varchar("user_id", { length: 255 }).notNull(),
  seq: bigint("seq", { mode: "number" }).generatedByDefaultAsIdentity({ name: "app_message_seq_seq" }).notNull(),
  parentId: varchar("parent_id", { length: 255 }),
  parts: jsonb("parts"),
  status: varchar("status", { length: 20 }).$type<"complete" | "streaming" | "interrupted" | "error">().default("complete").notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  deletedAt: timestamp("deleted_at", { mode: "date", withTimezone: true }),
}, (t): PgTableExtraConfigValue[] => [
  unique("app_message_user_id_id_unique").on(t.userId, t.id),
  foreignKey({ name: "app_message_user_id_chat_id_app_chat_user_id_id_fk", columns: [t.userId, t.chatId], foreignColumns: [chats.userId, chats.id] }).onDelete("cascade"),
  check("app_message_role_check", sql`((role)::text = ANY (ARRAY['user'::text, 'assistant'::text, 'system'::text, 'tool'::text]))`),
  check("app_message_status_check", sql`((status)::text = ANY (ARRAY['complete'::text, 'streaming'::text, 'interrupted'::text, 'error'::text]))`),
  check("app_message_tokens_check", sql`(NOT jsonb_path_exists(metadata, '$."tokens"?(((((@."prompt".type() != "number" || @."prompt" < 0) || @."completion".type() != "number") || @."completion" < 0) || @."total".type() != "number") || @."total" < 0)'::jsonpath))`),
  index("app_message_search_idx").using("gin", sql`public.app_search_lexemes((user_id)::text, content)`).where(sql`(deleted_at IS NULL)`).with({ fastupdate: "off" }),
  index("app_message_user_id_chat_id_parent_id_idx").on(t.userId, t.chatId, t.parentId),
  uniqueIndex("app_message_user_id_chat_id_seq_idx").on(t.userId, t.chatId, t.seq).where(sql`(deleted_at IS NULL)`),
  index("app_message_user_id_deleted_at_id_idx").on(t.userId, t.deletedAt, t.id).where(sql`(deleted_at IS NOT NULL)`),
]);
export type Message = typeof messages.$inferSelect;
export type NewMessage = typeof messages.$inferInsert;

export const messageChunks = pgTable("app_message_chunk", {
  userId: varchar("user_id", { length: 255 }).notNull(),
  messageId: varchar("message_id", { length: 255 }).notNull(),
  position: integer("position").notNull(),
  content: text("content").notNull(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  primaryKey({ name: "app_message_chunk_user_id_message_id_position_pk", columns: [t.userId, t.messageId, t.position] }),
  foreignKey({ name: "app_message_chunk_user_id_message_id_app_message_user_id_id_fk", columns: [t.userId, t.messageId], foreignColumns: [messages.userId, messages.id] }).onDelete("cascade"),
]);
export type MessageChunks = typeof messageChunks.$inferSelect;
export type NewMessageChunks = typeof messageChunks.$inferInsert;

export const messageFeedback = pgTable("app_message_feedback", {
  userId: varchar("user_id", { length: 255 }).notNull(),
  messageId: varchar("message_id", { length: 255 }).notNull(),
  vote: smallint("vote"),
  comment: text("comment"),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  primaryKey({ name: "app_message_feedback_user_id_message_id_pk", columns: [t.userId, t.messageId] }),
  foreignKey({ name: "app_message_feedback_user_id_message_id_fk", columns: [t.userId, t.messageId], foreignColumns: [messages.userId, messages.id] }).onDelete("cascade"),
  check("app_message_feedback_vote_check", sql`(vote = ANY (ARRAY['-1'::integer, 1]))`),
]);
export type MessageFeedback = typeof messageFeedback.$inferSelect;
export type NewMessageFeedback = typeof messageFeedback.$inferInsert;

export const messageUsage = pgTable("app_message_usage", {
  userId: varchar("user_id", { length: 255 }).notNull(),
  messageId: varchar("message_id", { length: 255 }).notNull(),
  chatId: varchar("chat_id", { length: 255 }).notNull(),
  model: varchar("model", { length: 255 }),
  promptTokens: bigint("prompt_tokens", { mode: "number" }).default(0).notNull(),
  completionTokens: bigint("completion_tokens", { mode: "number" }).default(0).notNull(),
  totalTokens: bigint("total_tokens", { mode: "number" }).default(0).notNull(),
  cost: numeric("cost", { precision: 20, scale: 10 }),
  latencyMs: bigint("latency_ms", { mode: "number" }),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  primaryKey({ name: "app_message_usage_user_id_message_id_pk", columns: [t.userId, t.messageId] }),
  foreignKey({ name: "app_message_usage_user_id_app_user_id_fk", columns: [t.userId], foreignColumns: [users.id] }).onDelete("cascade"),
  check("app_message_usage_used_check", sql`((prompt_tokens >= 0) AND (completion_tokens >= 0) AND (total_tokens >= 0) AND (cost >= (0)::numeric) AND (latency_ms >= 0))`),
  index("app_message_usage_user_id_created_at_message_id_idx").on(t.userId, t.createdAt, t.messageId),
]);
export type MessageUsage = typeof messageUsage.$inferSelect;
export type NewMessageUsage = typeof messageUsage.$inferInsert;

export const runningAnswers = pgTable("app_running_answer", {
  userId: varchar("user_id", { length: 255 }).notNull(),
  chatId: varchar("chat_id", { length: 255 }).notNull(),
  messageId: varchar("message_id", { length: 255 }).notNull(),
  writer: varchar("writer", { length: 255 }).notNull(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  primaryKey({ name: "app_running_answer_user_id_chat_id_pk", columns: [t.userId, t.chatId] }),
  unique("app_running_answer_user_id_message_id_unique").on(t.userId, t.messageId),
  foreignKey({ name: "app_running_answer_user_id_chat_id_app_chat_user_id_id_fk", columns: [t.userId, t.chatId], foreignColumns: [chats.userId, chats.id] }).onDelete("cascade"),
  foreignKey({ name: "app_running_answer_user_id_message_id_app_message_user_id_id_fk", columns: [t.userId, t.messageId], foreignColumns: [messages.userId, messages.id] }).onDelete("cascade"),
]);
export type RunningAnswers = typeof runningAnswers.$inferSelect;
export type NewRunningAnswers = typeof runningAnswers.$inferInsert;

export const searchCache = pgTable("app_search_cache", {
  id: integer("id").generatedByDefaultAsIdentity({ name: "app_search_cache_id_seq" }).notNull().primaryKey(),
  query: text("query").notNull(),
  results: jsonb("results").notNull(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  expiresAt: timestamp("expires_at", { mode: "date", withTimezone: true }).notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  keyHash: bytea("key_hash"),
  provider: text("provider"),
  locale: text("locale"),
  staleUntil: timestamp("stale_until", { mode: "date", withTimezone: true }),
}, (t): PgTableExtraConfigValue[] => [
  unique("app_search_cache_key_hash_unique").on(t.keyHash),
  index("app_search_cache_expires_at_idx").on(t.expiresAt),
]);
export type SearchCacheEntry = typeof searchCache.$inferSelect;
export type NewSearchCacheEntry = typeof searchCache.$inferInsert;

export const searchDays = pgTable("app_search_day", {
  day: date("day").notNull(),
  provider: text("provider").notNull(),
  locale: text("locale").notNull(),
  userGroup: text("user_group").notNull(),
  keyHash: bytea("key_hash").notNull(),
  outcome: varchar("outcome", { length: 20 }).notNull(),
  tier: varchar("tier", { length: 20 }).notNull(),
  query: text("query"),
  calls: bigint("calls", { mode: "number" }).notNull(),
  noResults: bigint("no_results", { mode: "number" }).notNull(),
  latencyUs: bigint("latency_us", { mode: "number" }).notNull(),
  latencyMaxUs: bigint("latency_max_us", { mode: "number" }).notNull(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  primaryKey({ name: "app_search_day_day_provider_locale_user_group_key_hash_0c025f73", columns: [t.day, t.provider, t.locale, t.userGroup, t.keyHash, t.outcome, t.tier] }),
]);
export type SearchDays = typeof searchDays.$inferSelect;
export type NewSearchDays = typeof searchDays.$inferInsert;

export const searchEvents = pgTable("app_search_event", {
  id: bigint("id", { mode: "number" }).generatedByDefaultAsIdentity({ name: "app_search_event_id_seq" }).notNull().primaryKey(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  keyHash: bytea("key_hash").notNull(),
  query: text("query"),
  provider: text("provider").notNull(),
  locale: text("locale").notNull(),
  outcome: varchar("outcome", { length: 20 }).notNull(),
  tier: varchar("tier", { length: 20 }).notNull(),
  calls: bigint("calls", { mode: "number" }).default(1).notNull(),
  noResults: bigint("no_results", { mode: "number" }).default(0).notNull(),
  latencyUs: bigint("latency_us", { mode: "number" }).default(0).notNull(),
  latencyMaxUs: bigint("latency_max_us", { mode: "number" }).default(0).notNull(),
  userGroup: text("user_group").default("").notNull(),
  userId: varchar("user_id", { length: 255 }),
}, (t): PgTableExtraConfigValue[] => [
  foreignKey({ name: "app_search_event_user_id_app_user_id_fk", columns: [t.userId], foreignColumns: [users.id] }).onDelete("cascade"),
  check("app_search_event_outcome_check", sql`((outcome)::text = ANY (ARRAY['hit'::text, 'stale'::text, 'miss'::text, 'failed'::text, 'known_failure'::text]))`),
  check("app_search_event_tier_check", sql`((tier)::text = ANY (ARRAY['memory'::text, 'redis'::text, 'postgres'::text, 'fetch'::text]))`),
  index("app_search_event_created_at_id_idx").on(t.createdAt, t.id),
  index("app_search_event_user_id_idx").on(t.userId),
]);
export type SearchEvents = typeof searchEvents.$inferSelect;
export type NewSearchEvents = typeof searchEvents.$inferInsert;

export const sessions = pgTable("app_session", {
  sessionToken: varchar("session_token", { length: 255 }).notNull().primaryKey(),
  userId: varchar("user_id", { length: 255 }).notNull(),
  expires: timestamp("expires", { mode: "date", withTimezone: true }).notNull(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  ipAddress: text("ip_address"),
  userAgent: text("user_agent"),
}, (t): PgTableExtraConfigValue[] => [
  foreignKey({ name: "app_session_user_id_app_user_id_fk", columns: [t.userId], foreignColumns: [users.id] }).onDelete("cascade"),
  index("app_session_user_id_idx").on(t.userId),
]);
export type Session = typeof sessions.$inferSelect;
export type NewSession = typeof sessions.$inferInsert;

export const users = pgTable("app_user", {
  id: varchar("id", { length: 255 }).$defaultFn(() => crypto.randomUUID()).notNull().primaryKey(),
  name: varchar("name", { length: 255 }),
  email: varchar("email", { length: 255 }).notNull(),
  emailVerified: timestamp("email_verified", { mode: "date", withTimezone: true }),
  image: text("image"),
  isAdmin: boolean("is_admin").default(false).notNull(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  index("app_user_email_idx").on(t.email),
  uniqueIndex("app_user_email_lower_idx").on(sql`lower((email)::text)`),
]);
export type User = typeof users.$inferSelect;
export type NewUser = typeof users.$inferInsert;

export const userSettings = pgTable("app_user_settings", {
  userId: varchar("user_id", { length: 255 }).notNull().primaryKey(),
  theme: varchar("theme", { length: 20 }).default("dark"),
  language: varchar("language", { length: 10 }).default("en"),
  defaultModel: varchar("default_model", { length: 50 }),
  enableSearchByDefault: boolean("enable_search_by_default").default(true).notNull(),
  maxSearchResults: integer("max_search_results").default(10),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  foreignKey({ name: "app_user_settings_user_id_app_user_id_fk", columns: [t.userId], foreignColumns: [users.id] }).onDelete("cascade"),
]);
export type UserSettings = typeof userSettings.$inferSelect;
export type NewUserSettings = typeof userSettings.$inferInsert;

export const verificationTokens = pgTable("app_verification_token", {
  identifier: varchar("identifier", { length: 255 }).notNull(),
  token: varchar("token", { length: 255 }).notNull(),
  expires: timestamp("expires", { mode: "date", withTimezone: true }).notNull(),
  createdAt: timestamp("created_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
  updatedAt: timestamp("updated_at", { mode: "date", withTimezone: true }).default(sql`CURRENT_TIMESTAMP`).notNull(),
}, (t): PgTableExtraConfigValue[] => [
  primaryKey({ name: "app_verification_token_identifier_token_pk", columns: [t.identifier, t.token] }),
]);
export type VerificationToken = typeof verificationTokens.$inferSelect;
export type NewVerificationToken = typeof verificationTokens.$inferInsert;

export const accountsRelations = relations(accounts, ({ one }) => ({
  user: one(users, { fields: [accounts.userId], references: [users.id] }),
}));

export const chatsRelations = relations(chats, ({ one, many }) => ({
  user: one(users, { fields: [chats.userId], references: [users.id] }),
  chatShares: many(chatShares),
  messages: many(messages),
  runningAnswers: one(runningAnswers),
}));

export const chatSharesRelations = relations(chatShares, ({ one }) => ({
  chat: one(chats, { fields: [chatShares.userId, chatShares.chatId], references: [chats.userId, chats.id] }),
}));

export const messagesRelations = relations(messages, ({ one, many }) => ({
  chat: one(chats, { fields: [messages.userId, messages.chatId], references: [chats.userId, chats.id] }),
  messageChunks: many(messageChunks),
  messageFeedback: one(messageFeedback),
  runningAnswers: one(runningAnswers),
}));

export const messageChunksRelations = relations(messageChunks, ({ one }) => ({
  message: one(messages, { fields: [messageChunks.userId, messageChunks.messageId], references: [messages.userId, messages.id] }),
}));

export const messageFeedbackRelations = relations(messageFeedback, ({ one }) => ({
  message: one(messages, { fields: [messageFeedback.userId, messageFeedback.messageId], references: [messages.userId, messages.id] }),
}));

export const messageUsageRelations = relations(messageUsage, ({ one }) => ({
  user: one(users, { fields: [messageUsage.userId], references: [users.id] }),
}));

export const runningAnswersRelations = relations(runningAnswers, ({ one }) => ({
  chat: one(chats, { fields: [runningAnswers.userId, runningAnswers.chatId], references: [chats.userId, chats.id] }),
  message: one(messages, { fields: [runningAnswers.userId, runningAnswers.messageId], references: [messages.userId, messages.id] }),
}));

export const searchEventsRelations = relations(searchEvents, ({ one }) => ({
  user: one(users, { fields: [searchEvents.userId], references: [users.id] }),
}));

export const sessionsRelations = relations(sessions, ({ one }) => ({
  user: one(users, { fields: [sessions.userId], references: [users.id] }),
}));

export const usersRelations = relations(users, ({ one, many }) => ({
  accounts: many(accounts),
  chats: many(chats),
  messageUsage: many(messageUsage),
  searchEvents: many(searchEvents),
  sessions: many(sessions),
  userSettings: one(userSettings),
}));

export const userSettingsRelations = relations(userSettings, ({ one }) => ({
  user: one(users, { fields: [userSettings.userId], references: [users.id] }),
}));
