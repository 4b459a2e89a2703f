-- Expand: Add columns and indexes; code written for the seed keeps working.
ALTER TABLE "public"."sessions" ADD COLUMN "updated_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
CREATE INDEX "sessions_user_id_idx" ON "public"."sessions" USING btree ("user_id");--> statement-breakpoint
CREATE OR REPLACE FUNCTION public.users_fill_email_verified()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    NEW."email_verified" := coalesce(NEW."email_verified", false);
    RETURN NEW;
END
$function$;--> statement-breakpoint
CREATE TRIGGER users_fill_email_verified BEFORE INSERT OR UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.users_fill_email_verified();