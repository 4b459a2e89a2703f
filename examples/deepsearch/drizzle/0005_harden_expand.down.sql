-- chatkeep:reverse 646d5be06fdd4fd3cb67edfd28711ce8c4a843b96f3f41491e1cede10d4fcc3b
-- Loses data: column public.ai-app-template_account.created_at with its values.
-- Loses data: column public.ai-app-template_account.updated_at with its values.
-- Loses data: column public.ai-app-template_chat.deleted_at with its values.
-- Loses data: column public.ai-app-template_chat.head with its values.
-- Loses data: column public.ai-app-template_chat.is_branched with its values.
-- Loses data: column public.ai-app-template_chat.is_pinned with its values.
-- Loses data: column public.ai-app-template_chat.is_temporary with its values.
-- Loses data: column public.ai-app-template_chat.revision with its values.
-- Loses data: column public.ai-app-template_message.deleted_at with its values.
-- Loses data: column public.ai-app-template_message.parent_id with its values.
-- Loses data: column public.ai-app-template_message.parts with its values.
-- Loses data: column public.ai-app-template_message.seq with its values.
-- Loses data: column public.ai-app-template_message.status with its values.
-- Loses data: column public.ai-app-template_message.updated_at with its values.
-- Loses data: column public.ai-app-template_message.user_id with its values.
-- Loses data: column public.ai-app-template_search_cache.key_hash with its values.
-- Loses data: column public.ai-app-template_search_cache.locale with its values.
-- Loses data: column public.ai-app-template_search_cache.provider with its values.
-- Loses data: column public.ai-app-template_search_cache.stale_until with its values.
-- Loses data: column public.ai-app-template_search_cache.updated_at with its values.
-- Loses data: column public.ai-app-template_session.created_at with its values.
-- Loses data: column public.ai-app-template_session.ip_address with its values.
-- Loses data: column public.ai-app-template_session.updated_at with its values.
-- Loses data: column public.ai-app-template_session.user_agent with its values.
-- Loses data: column public.ai-app-template_user.created_at with its values.
-- Loses data: column public.ai-app-template_user.updated_at with its values.
-- Loses data: column public.ai-app-template_user_settings.created_at with its values.
-- Loses data: column public.ai-app-template_verification_token.created_at with its values.
-- Loses data: column public.ai-app-template_verification_token.updated_at with its values.
-- Loses data: table public.ai-app-template_chat_share with its rows.
-- Loses data: table public.ai-app-template_message_chunk with its rows.
-- Loses data: table public.ai-app-template_message_feedback with its rows.
-- Loses data: table public.ai-app-template_message_usage with its rows.
-- Loses data: table public.ai-app-template_running_answer with its rows.
-- Loses data: table public.ai-app-template_search_day with its rows.
-- Loses data: table public.ai-app-template_search_event with its rows.
DROP TRIGGER "ai-app-template_message_fill_user_id" ON "public"."ai-app-template_message";--> statement-breakpoint
DROP TRIGGER "ai-app-template_message_mend_branches" ON "public"."ai-app-template_message";--> statement-breakpoint
DROP FUNCTION "public"."ai-app-template_message_fill_user_id"();--> statement-breakpoint
DROP FUNCTION "public"."ai-app-template_message_mend_branches"();--> statement-breakpoint
DROP INDEX "public"."ai-app-template_account_user_id_idx";--> statement-breakpoint
DROP INDEX "public"."ai-app-template_search_cache_expires_at_idx";--> statement-breakpoint
DROP INDEX "public"."ai-app-template_session_user_id_idx";--> statement-breakpoint
DROP INDEX "public"."ai-app-template_user_email_idx";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" DROP CONSTRAINT "ai-app-template_account_user_id_ai-app-template_user_id_fk";
--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" DROP CONSTRAINT "ai-app-template_session_user_id_ai-app-template_user_id_fk";
--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" DROP COLUMN "created_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" DROP COLUMN "updated_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" DROP COLUMN "deleted_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" DROP COLUMN "head";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" DROP COLUMN "is_branched";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" DROP COLUMN "is_pinned";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" DROP COLUMN "is_temporary";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" DROP COLUMN "revision";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP COLUMN "deleted_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP COLUMN "parent_id";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP COLUMN "parts";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP COLUMN "seq";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP COLUMN "status";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP COLUMN "updated_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" DROP COLUMN "user_id";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" DROP COLUMN "key_hash";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" DROP COLUMN "locale";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" DROP COLUMN "provider";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" DROP COLUMN "stale_until";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" DROP COLUMN "updated_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" DROP COLUMN "created_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" DROP COLUMN "ip_address";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" DROP COLUMN "updated_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" DROP COLUMN "user_agent";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_user" DROP COLUMN "created_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_user" DROP COLUMN "updated_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_user_settings" DROP COLUMN "created_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_verification_token" DROP COLUMN "created_at";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_verification_token" DROP COLUMN "updated_at";--> statement-breakpoint
DROP TABLE "public"."ai-app-template_chat_share";--> statement-breakpoint
DROP TABLE "public"."ai-app-template_message_chunk";--> statement-breakpoint
DROP TABLE "public"."ai-app-template_message_feedback";--> statement-breakpoint
DROP TABLE "public"."ai-app-template_message_usage";--> statement-breakpoint
DROP TABLE "public"."ai-app-template_running_answer";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" DROP CONSTRAINT "ai-app-template_chat_user_id_id_unique";--> statement-breakpoint
DROP TABLE "public"."ai-app-template_search_day";--> statement-breakpoint
DROP TABLE "public"."ai-app-template_search_event";--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" ALTER COLUMN "expires_at" SET DATA TYPE integer;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" ALTER COLUMN "scope" SET DATA TYPE character varying(255);--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" ALTER COLUMN "session_state" SET DATA TYPE character varying(255);--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ALTER COLUMN "sources" SET DATA TYPE json USING "sources"::json;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ALTER COLUMN "metadata" SET DATA TYPE json USING "metadata"::json;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ALTER COLUMN "query" SET DATA TYPE character varying(500);--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ALTER COLUMN "results" SET DATA TYPE json USING "results"::json;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_user" ALTER COLUMN "image" SET DATA TYPE character varying(255);--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" ADD CONSTRAINT "ai-app-template_account_user_id_ai-app-template_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."ai-app-template_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" ADD CONSTRAINT "ai-app-template_session_user_id_ai-app-template_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."ai-app-template_user"("id") ON DELETE no action ON UPDATE no action;