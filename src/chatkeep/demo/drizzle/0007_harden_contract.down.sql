-- chatkeep:reverse 04908b7d547434c9d6063e8da3907ff88cfd73a7a50a0ef411e37ae9f15d74e1
ALTER TABLE "public"."ai-app-template_user_settings" RENAME CONSTRAINT "ai-app-template_user_settings_user_id_fk" TO "ai-app-template_user_settings_user_id_ai-app-template_user_id_f";--> statement-breakpoint
DROP TRIGGER "ai-app-template_account_touch" ON "public"."ai-app-template_account";--> statement-breakpoint
DROP TRIGGER "ai-app-template_chat_touch" ON "public"."ai-app-template_chat";--> statement-breakpoint
DROP TRIGGER "ai-app-template_message_move_chat" ON "public"."ai-app-template_message";--> statement-breakpoint
DROP TRIGGER "ai-app-template_message_touch" ON "public"."ai-app-template_message";--> statement-breakpoint
DROP TRIGGER "ai-app-template_search_cache_touch" ON "public"."ai-app-template_search_cache";--> statement-breakpoint
DROP TRIGGER "ai-app-template_session_touch" ON "public"."ai-app-template_session";--> statement-breakpoint
DROP TRIGGER "ai-app-template_user_touch" ON "public"."ai-app-template_user";--> statement-breakpoint
DROP TRIGGER "ai-app-template_user_settings_touch" ON "public"."ai-app-template_user_settings";--> statement-breakpoint
DROP TRIGGER "ai-app-template_verification_token_touch" ON "public"."ai-app-template_verification_token";--> statement-breakpoint
DROP FUNCTION "public"."ai-app-template_message_move_chat"();--> statement-breakpoint
DROP FUNCTION "public"."ai-app-template_search_text"(content text);--> statement-breakpoint
DROP FUNCTION "public"."ai-app-template_touch_updated_at"();--> statement-breakpoint
DROP INDEX "public"."ai-app-template_message_search_idx";--> statement-breakpoint
DROP FUNCTION "public"."ai-app-template_search_lexemes"(owner text, content text);--> statement-breakpoint
DROP INDEX "public"."ai-app-template_message_user_id_chat_id_parent_id_idx";--> statement-breakpoint
DROP INDEX "public"."ai-app-template_message_user_id_chat_id_seq_idx";--> statement-breakpoint
DROP INDEX "public"."ai-app-template_user_email_lower_idx";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP CONSTRAINT "ai-app-template_message_user_id_chat_id_fk";
--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message_chunk" DROP CONSTRAINT "ai-app-template_message_chunk_user_id_message_id_fk";
--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message_feedback" DROP CONSTRAINT "ai-app-template_message_feedback_user_id_message_id_fk";
--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_running_answer" DROP CONSTRAINT "ai-app-template_running_answer_user_id_message_id_fk";
--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP CONSTRAINT "ai-app-template_message_role_check";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP CONSTRAINT "ai-app-template_message_tokens_check";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP CONSTRAINT "ai-app-template_message_user_id_id_unique";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ALTER COLUMN "user_id" DROP NOT NULL;--> statement-breakpoint
ALTER SEQUENCE "public"."ai-app-template_search_cache_id_seq" RENAME TO "ai-app-template_search_cache_id_seq_replaced";--> statement-breakpoint
CREATE SEQUENCE "public"."ai-app-template_search_cache_id_seq" AS integer INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1;--> statement-breakpoint
SELECT setval('"public"."ai-app-template_search_cache_id_seq"'::regclass, last_value, is_called) FROM "public"."ai-app-template_search_cache_id_seq_replaced";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ALTER COLUMN "id" DROP IDENTITY;--> statement-breakpoint
ALTER SEQUENCE "public"."ai-app-template_search_cache_id_seq" OWNED BY "public"."ai-app-template_search_cache"."id";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ALTER COLUMN "id" SET DEFAULT nextval('public."ai-app-template_search_cache_id_seq"'::regclass);--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_user" ALTER COLUMN "email_verified" SET DEFAULT CURRENT_TIMESTAMP;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ADD CONSTRAINT "ai-app-template_message_chat_id_ai-app-template_chat_id_fk" FOREIGN KEY ("chat_id") REFERENCES "public"."ai-app-template_chat"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "account_user_id_idx" ON "public"."ai-app-template_account" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "chat_created_at_idx" ON "public"."ai-app-template_chat" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "chat_updated_at_idx" ON "public"."ai-app-template_chat" USING btree ("updated_at");--> statement-breakpoint
CREATE INDEX "chat_user_id_idx" ON "public"."ai-app-template_chat" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "message_chat_id_created_at_idx" ON "public"."ai-app-template_message" USING btree ("chat_id","created_at");--> statement-breakpoint
CREATE INDEX "message_chat_id_idx" ON "public"."ai-app-template_message" USING btree ("chat_id");--> statement-breakpoint
CREATE INDEX "message_created_at_idx" ON "public"."ai-app-template_message" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "search_cache_expires_at_idx" ON "public"."ai-app-template_search_cache" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "search_cache_query_idx" ON "public"."ai-app-template_search_cache" USING btree ("query");--> statement-breakpoint
CREATE INDEX "session_user_id_idx" ON "public"."ai-app-template_session" USING btree ("user_id");