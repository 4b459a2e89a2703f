-- chatkeep:reverse 9d02c3469bb9780ffcdf06b625850d3337e1c4251edce705ef6836d0983ab852
-- Loses data: column public.sessions.ip_address with its values.
-- Loses data: column public.sessions.token with its values.
-- Loses data: column public.sessions.updated_at with its values.
-- Loses data: column public.sessions.user_agent with its values.
-- Loses data: table public.accounts with its rows.
-- Loses data: table public.verifications with its rows.
DROP TRIGGER "sessions_fill_token" ON "public"."sessions";--> statement-breakpoint
DROP TRIGGER "users_fill_email_verified" ON "public"."users";--> statement-breakpoint
DROP FUNCTION "public"."sessions_fill_token"();--> statement-breakpoint
DROP FUNCTION "public"."users_fill_email_verified"();--> statement-breakpoint
DROP INDEX "public"."sessions_user_id_idx";--> statement-breakpoint
ALTER TABLE "public"."sessions" DROP COLUMN "ip_address";--> statement-breakpoint
ALTER TABLE "public"."sessions" DROP COLUMN "token";--> statement-breakpoint
ALTER TABLE "public"."sessions" DROP COLUMN "updated_at";--> statement-breakpoint
ALTER TABLE "public"."sessions" DROP COLUMN "user_agent";--> statement-breakpoint
DROP TABLE "public"."accounts";--> statement-breakpoint
DROP TABLE "public"."verifications";