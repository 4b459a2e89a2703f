-- Expand: Add columns and indexes, widen types; code written for the seed keeps working.
ALTER TABLE "public"."ai-app-template_account" DROP CONSTRAINT "ai-app-template_account_user_id_ai-app-template_user_id_fk";
--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" DROP CONSTRAINT "ai-app-template_session_user_id_ai-app-template_user_id_fk";
--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" ALTER COLUMN "expires_at" SET DATA TYPE bigint;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" ALTER COLUMN "scope" SET DATA TYPE text;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" ALTER COLUMN "session_state" SET DATA TYPE text;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ALTER COLUMN "sources" SET DATA TYPE jsonb USING "sources"::jsonb;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ALTER COLUMN "metadata" SET DATA TYPE jsonb USING "metadata"::jsonb;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ALTER COLUMN "query" SET DATA TYPE text;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ALTER COLUMN "results" SET DATA TYPE jsonb USING "results"::jsonb;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_user" ALTER COLUMN "image" SET DATA TYPE text;--> statement-breakpoint
CREATE TABLE "public"."ai-app-template_chat_share" (
	"id" varchar(255) PRIMARY KEY NOT NULL,
	"user_id" varchar(255) NOT NULL,
	"chat_id" varchar(255) NOT NULL,
	"token_hash" bytea NOT NULL,
	"kind" varchar(20) NOT NULL,
	"head" varchar(255),
	"title" varchar(500),
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"updated_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	CONSTRAINT "ai-app-template_chat_share_kind_check" CHECK (((kind)::text = ANY (ARRAY['snapshot'::text, 'live'::text]))),
	CONSTRAINT "ai-app-template_chat_share_token_hash_unique" UNIQUE("token_hash")
);
--> statement-breakpoint
CREATE TABLE "public"."ai-app-template_message_chunk" (
	"user_id" varchar(255) NOT NULL,
	"message_id" varchar(255) NOT NULL,
	"position" integer NOT NULL,
	"content" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	CONSTRAINT "ai-app-template_message_chunk_user_id_message_id_position_pk" PRIMARY KEY("user_id","message_id","position")
);
--> statement-breakpoint
CREATE TABLE "public"."ai-app-template_message_feedback" (
	"user_id" varchar(255) NOT NULL,
	"message_id" varchar(255) NOT NULL,
	"vote" smallint,
	"comment" text,
	"created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"updated_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	CONSTRAINT "ai-app-template_message_feedback_user_id_message_id_pk" PRIMARY KEY("user_id","message_id"),
	CONSTRAINT "ai-app-template_message_feedback_vote_check" CHECK ((vote = ANY (ARRAY['-1'::integer, 1])))
);
--> statement-breakpoint
CREATE TABLE "public"."ai-app-template_message_usage" (
	"user_id" varchar(255) NOT NULL,
	"message_id" varchar(255) NOT NULL,
	"chat_id" varchar(255) NOT NULL,
	"model" varchar(255),
	"prompt_tokens" bigint DEFAULT 0 NOT NULL,
	"completion_tokens" bigint DEFAULT 0 NOT NULL,
	"total_tokens" bigint DEFAULT 0 NOT NULL,
	"cost" numeric(20,10),
	"latency_ms" bigint,
	"created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	CONSTRAINT "ai-app-template_message_usage_user_id_message_id_pk" PRIMARY KEY("user_id","message_id"),
	CONSTRAINT "ai-app-template_message_usage_used_check" CHECK (((prompt_tokens >= 0) AND (completion_tokens >= 0) AND (total_tokens >= 0) AND (cost >= (0)::numeric) AND (latency_ms >= 0)))
);
--> statement-breakpoint
CREATE TABLE "public"."ai-app-template_running_answer" (
	"user_id" varchar(255) NOT NULL,
	"chat_id" varchar(255) NOT NULL,
	"message_id" varchar(255) NOT NULL,
	"writer" varchar(255) NOT NULL,
	"created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"updated_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	CONSTRAINT "ai-app-template_running_answer_user_id_chat_id_pk" PRIMARY KEY("user_id","chat_id"),
	CONSTRAINT "ai-app-template_running_answer_user_id_message_id_unique" UNIQUE("user_id","message_id")
);
--> statement-breakpoint
CREATE TABLE "public"."ai-app-template_search_day" (
	"day" date NOT NULL,
	"provider" text NOT NULL,
	"locale" text NOT NULL,
	"user_group" text NOT NULL,
	"key_hash" bytea NOT NULL,
	"outcome" varchar(20) NOT NULL,
	"tier" varchar(20) NOT NULL,
	"query" text,
	"calls" bigint NOT NULL,
	"no_results" bigint NOT NULL,
	"latency_us" bigint NOT NULL,
	"latency_max_us" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"updated_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	CONSTRAINT "ai-app-template_search_day_day_provider_locale_user_gr_141eedef" PRIMARY KEY("day","provider","locale","user_group","key_hash","outcome","tier")
);
--> statement-breakpoint
CREATE TABLE "public"."ai-app-template_search_event" (
	"id" bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME "public"."ai-app-template_search_event_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1) NOT NULL,
	"created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"key_hash" bytea NOT NULL,
	"query" text,
	"provider" text NOT NULL,
	"locale" text NOT NULL,
	"outcome" varchar(20) NOT NULL,
	"tier" varchar(20) NOT NULL,
	"calls" bigint DEFAULT 1 NOT NULL,
	"no_results" bigint DEFAULT 0 NOT NULL,
	"latency_us" bigint DEFAULT 0 NOT NULL,
	"latency_max_us" bigint DEFAULT 0 NOT NULL,
	"user_group" text DEFAULT ''::text NOT NULL,
	"user_id" varchar(255),
	CONSTRAINT "ai-app-template_search_event_outcome_check" CHECK (((outcome)::text = ANY (ARRAY['hit'::text, 'stale'::text, 'miss'::text, 'failed'::text, 'known_failure'::text]))),
	CONSTRAINT "ai-app-template_search_event_tier_check" CHECK (((tier)::text = ANY (ARRAY['memory'::text, 'redis'::text, 'postgres'::text, 'fetch'::text])))
);
--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" ADD COLUMN "created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" ADD COLUMN "updated_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" ADD COLUMN "head" varchar(255);--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" ADD COLUMN "revision" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" ADD COLUMN "is_branched" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" ADD COLUMN "deleted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" ADD COLUMN "is_pinned" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" ADD COLUMN "is_temporary" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ADD COLUMN "user_id" varchar(255);--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ADD COLUMN "seq" bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME "public"."ai-app-template_message_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1) NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ADD COLUMN "parent_id" varchar(255);--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ADD COLUMN "parts" jsonb;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ADD COLUMN "status" varchar(20) DEFAULT 'complete'::character varying NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ADD COLUMN "updated_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ADD COLUMN "deleted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ADD COLUMN "updated_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ADD COLUMN "key_hash" bytea;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ADD COLUMN "provider" text;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ADD COLUMN "locale" text;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ADD COLUMN "stale_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" ADD COLUMN "created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" ADD COLUMN "updated_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" ADD COLUMN "ip_address" text;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" ADD COLUMN "user_agent" text;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_user" ADD COLUMN "created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_user" ADD COLUMN "updated_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_user_settings" ADD COLUMN "created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_verification_token" ADD COLUMN "created_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_verification_token" ADD COLUMN "updated_at" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat" ADD CONSTRAINT "ai-app-template_chat_user_id_id_unique" UNIQUE("user_id","id");--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_cache" ADD CONSTRAINT "ai-app-template_search_cache_key_hash_unique" UNIQUE("key_hash");--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message" ADD CONSTRAINT "ai-app-template_message_status_check" CHECK (((status)::text = ANY (ARRAY['complete'::text, 'streaming'::text, 'interrupted'::text, 'error'::text])));--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_account" ADD CONSTRAINT "ai-app-template_account_user_id_ai-app-template_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."ai-app-template_user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_chat_share" ADD CONSTRAINT "ai-app-template_chat_share_user_id_chat_id_fk" FOREIGN KEY ("user_id","chat_id") REFERENCES "public"."ai-app-template_chat"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_message_usage" ADD CONSTRAINT "ai-app-template_message_usage_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."ai-app-template_user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_running_answer" ADD CONSTRAINT "ai-app-template_running_answer_user_id_chat_id_fk" FOREIGN KEY ("user_id","chat_id") REFERENCES "public"."ai-app-template_chat"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_search_event" ADD CONSTRAINT "ai-app-template_search_event_user_id_ai-app-template_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."ai-app-template_user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "public"."ai-app-template_session" ADD CONSTRAINT "ai-app-template_session_user_id_ai-app-template_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."ai-app-template_user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "ai-app-template_account_user_id_idx" ON "public"."ai-app-template_account" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "ai-app-template_chat_share_user_id_chat_id_idx" ON "public"."ai-app-template_chat_share" USING btree ("user_id","chat_id");--> statement-breakpoint
CREATE INDEX "ai-app-template_chat_user_id_deleted_at_id_idx" ON "public"."ai-app-template_chat" USING btree ("user_id","deleted_at","id") WHERE (deleted_at IS NOT NULL);--> statement-breakpoint
CREATE INDEX "ai-app-template_chat_user_id_updated_at_id_idx" ON "public"."ai-app-template_chat" USING btree ("user_id","updated_at","id") WHERE (deleted_at IS NULL);--> statement-breakpoint
CREATE INDEX "ai-app-template_message_usage_user_id_created_at_message_id_idx" ON "public"."ai-app-template_message_usage" USING btree ("user_id","created_at","message_id");--> statement-breakpoint
CREATE INDEX "ai-app-template_message_user_id_deleted_at_id_idx" ON "public"."ai-app-template_message" USING btree ("user_id","deleted_at","id") WHERE (deleted_at IS NOT NULL);--> statement-breakpoint
CREATE INDEX "ai-app-template_search_cache_expires_at_idx" ON "public"."ai-app-template_search_cache" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "ai-app-template_search_event_created_at_id_idx" ON "public"."ai-app-template_search_event" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "ai-app-template_search_event_user_id_idx" ON "public"."ai-app-template_search_event" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "ai-app-template_session_user_id_idx" ON "public"."ai-app-template_session" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "ai-app-template_user_email_idx" ON "public"."ai-app-template_user" USING btree ("email");--> statement-breakpoint
CREATE OR REPLACE FUNCTION public."ai-app-template_message_fill_user_id"()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    owner text;
    tip text;
    trashed timestamptz;
    place bigint;
    is_stored boolean;
    numbers text;
    has_user boolean := NEW."user_id" IS NOT NULL;
BEGIN
    IF has_user AND NEW."parent_id" IS NOT NULL THEN
        RETURN NEW;
    END IF;
    EXECUTE format(
        'SELECT "user_id", "head", "deleted_at" FROM %I.%I WHERE "id" = $1 FOR NO KEY UPDATE',
        TG_TABLE_SCHEMA, 'ai-app-template_chat'
    ) INTO owner, tip, trashed USING NEW."chat_id";
    IF owner IS NULL THEN
        IF has_user THEN
            RETURN NEW;
        END IF;
        RAISE foreign_key_violation USING
            MESSAGE = format('table %I has no chat for this message', 'ai-app-template_chat'),
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'ai-app-template_message_user_id_chat_id_fk';
    END IF;
    NEW."user_id" := coalesce(NEW."user_id", owner);
    NEW."deleted_at" := coalesce(NEW."deleted_at", trashed);
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM %1$I.%2$I WHERE "id" = $1),'
        ' (SELECT "seq" FROM %1$I.%2$I WHERE "id" = $2)', TG_TABLE_SCHEMA, TG_TABLE_NAME
    ) INTO is_stored, place USING NEW."id", tip;
    IF NEW."parent_id" IS NOT NULL OR is_stored
        OR (has_user AND tip IS NOT NULL AND place IS NULL)
    THEN
        RETURN NEW;
    END IF;
    IF place IS NULL THEN
        EXECUTE format(
            'SELECT "id", "seq" FROM %I.%I WHERE "chat_id" = $1 AND "deleted_at" IS NULL'
            ' AND ("user_id" = $2 OR "user_id" IS NULL)'
            ' ORDER BY CASE WHEN "user_id" IS NULL THEN "created_at" END DESC NULLS LAST, "seq" DESC'
            ' LIMIT 1', TG_TABLE_SCHEMA, TG_TABLE_NAME
        ) INTO tip, place USING NEW."chat_id", owner;
    END IF;
    IF place >= NEW."seq" THEN
        numbers := pg_get_serial_sequence(format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME), 'seq');
        IF has_sequence_privilege(numbers, 'USAGE') THEN
            NEW."seq" := nextval(numbers);
        END IF;
    END IF;
    NEW."parent_id" := tip;
    EXECUTE format(
        'UPDATE %I.%I SET "head" = $1, "revision" = "revision" + 1 WHERE "id" = $2',
        TG_TABLE_SCHEMA, 'ai-app-template_chat'
    ) USING NEW."id", NEW."chat_id";
    RETURN NEW;
END
$function$;--> statement-breakpoint
CREATE OR REPLACE FUNCTION public."ai-app-template_message_mend_branches"()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    found bigint;
BEGIN
    EXECUTE format(
        'SELECT FROM %I.%I WHERE "id" IN (SELECT "chat_id" FROM gone_messages)'
        ' ORDER BY "id" FOR NO KEY UPDATE', TG_TABLE_SCHEMA, 'ai-app-template_chat'
    );
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found = 0 THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        'WITH RECURSIVE up ("user_id", "chat_id", "gone", "place") AS ('
        ' SELECT gone."user_id", gone."chat_id", gone."id", gone."parent_id"'
        ' FROM gone_messages AS gone JOIN %1$I.%3$I AS chat ON chat."id" = gone."chat_id"'
        ' WHERE chat."head" = gone."id" OR EXISTS (SELECT FROM %1$I.%2$I AS message'
        ' WHERE message."user_id" = gone."user_id" AND message."chat_id" = gone."chat_id"'
        ' AND message."parent_id" = gone."id")'
        ' UNION ALL SELECT up."user_id", up."chat_id", up."gone", next."parent_id"'
        ' FROM up JOIN gone_messages AS next ON next."id" = up."place"'
        '), kept AS (SELECT * FROM up WHERE NOT EXISTS'
        ' (SELECT FROM gone_messages AS gone WHERE gone."id" = up."place")'
        '), moved AS (UPDATE %1$I.%3$I AS chat SET "head" = coalesce(kept."place",'
        ' (SELECT "id" FROM %1$I.%2$I AS last WHERE last."user_id" = chat."user_id"'
        ' AND last."chat_id" = chat."id" AND last."deleted_at" IS NULL'
        ' ORDER BY last."seq" DESC LIMIT 1)) FROM kept'
        ' WHERE chat."id" = kept."chat_id" AND chat."head" = kept."gone")'
        ' UPDATE %1$I.%2$I AS message SET "parent_id" = kept."place" FROM kept'
        ' WHERE message."user_id" = kept."user_id" AND message."chat_id" = kept."chat_id"'
        ' AND message."parent_id" = kept."gone"',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, 'ai-app-template_chat'
    );
    RETURN NULL;
END
$function$;--> statement-breakpoint
CREATE TRIGGER "ai-app-template_message_fill_user_id" BEFORE INSERT ON public."ai-app-template_message" FOR EACH ROW EXECUTE FUNCTION public."ai-app-template_message_fill_user_id"();--> statement-breakpoint
CREATE TRIGGER "ai-app-template_message_mend_branches" AFTER DELETE ON public."ai-app-template_message" REFERENCING OLD TABLE AS gone_messages FOR EACH STATEMENT EXECUTE FUNCTION public."ai-app-template_message_mend_branches"();