-- chatkeep:reverse 21c60ba8e7f460747166aa7fd6fa2b098712d750e56f8d325c87a7afdfc3664b
-- Loses data: column public.sessions.updated_at with its values.
DROP TRIGGER "users_fill_email_verified" ON "public"."users";--> statement-breakpoint
DROP FUNCTION "public"."users_fill_email_verified"();--> statement-breakpoint
DROP INDEX "public"."sessions_user_id_idx";--> statement-breakpoint
ALTER TABLE "public"."sessions" DROP COLUMN "updated_at";