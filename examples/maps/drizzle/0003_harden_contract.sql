-- Contract: Put the new rules in force; times get their zone, and are read as UTC.
DROP TRIGGER "sessions_fill_token" ON "public"."sessions";--> statement-breakpoint
DROP TRIGGER "users_fill_email_verified" ON "public"."users";--> statement-breakpoint
DROP FUNCTION "public"."sessions_fill_token"();--> statement-breakpoint
DROP FUNCTION "public"."users_fill_email_verified"();--> statement-breakpoint
ALTER TABLE "public"."sessions" ALTER COLUMN "expires_at" SET DATA TYPE timestamp with time zone USING "expires_at" AT TIME ZONE 'UTC';--> statement-breakpoint
ALTER TABLE "public"."sessions" ALTER COLUMN "created_at" SET DATA TYPE timestamp with time zone USING "created_at" AT TIME ZONE 'UTC';--> statement-breakpoint
ALTER TABLE "public"."sessions" ALTER COLUMN "token" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."users" ALTER COLUMN "email_verified" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."users" ALTER COLUMN "created_at" SET DATA TYPE timestamp with time zone USING "created_at" AT TIME ZONE 'UTC';--> statement-breakpoint
ALTER TABLE "public"."users" ALTER COLUMN "updated_at" SET DATA TYPE timestamp with time zone USING "updated_at" AT TIME ZONE 'UTC';--> statement-breakpoint
ALTER TABLE "public"."sessions" ADD CONSTRAINT "sessions_token_unique" UNIQUE("token");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email_lower_idx" ON "public"."users" USING btree (lower(email));