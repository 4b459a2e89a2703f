-- Backfill: Stop if rows break the new rules; fill the new columns from what is there.
DO $chatkeep$
DECLARE
    found bigint;
    shown_ids text;
BEGIN
    SELECT count(*), string_agg("ids", '; ' ORDER BY "place") FILTER (WHERE "place" <= 20)
    INTO found, shown_ids
    FROM (
        SELECT string_agg("id", ', ' ORDER BY "id") AS "ids",
               row_number() OVER (ORDER BY min("id")) AS "place"
        FROM "ai-app-template_user" GROUP BY lower("email") HAVING count(*) > 1
    ) AS same;
    IF found > 0 THEN
        RAISE EXCEPTION '% e-mails belong to several users, letter case aside; their ids: %',
            found, shown_ids
        USING HINT = 'Merge these users or change their e-mail, then run the migration again.';
    END IF;
END
$chatkeep$;
--> statement-breakpoint
DO $chatkeep$
DECLARE
    found bigint;
    shown_ids text;
BEGIN
    SELECT count(*), string_agg("id", ', ' ORDER BY "place") FILTER (WHERE "place" <= 5)
    INTO found, shown_ids
    FROM (SELECT "id", row_number() OVER (ORDER BY "id") AS "place" FROM (SELECT "id" FROM "ai-app-template_message" WHERE NOT (role::text = ANY (ARRAY['user'::text, 'assistant'::text, 'system'::text, 'tool'::text]))) AS bad) AS bad;
    IF found > 0 THEN
        RAISE EXCEPTION '% %: %', found, 'messages have a role other than user, assistant, system and tool', shown_ids
        USING HINT = 'Change them, then run the migration again.';
    END IF;
END
$chatkeep$;
--> statement-breakpoint
DO $chatkeep$
DECLARE
    found bigint;
    shown_ids text;
BEGIN
    SELECT count(*), string_agg("id", ', ' ORDER BY "place") FILTER (WHERE "place" <= 5)
    INTO found, shown_ids
    FROM (SELECT "id", row_number() OVER (ORDER BY "id") AS "place" FROM (SELECT "id" FROM "ai-app-template_message" WHERE NOT (not jsonb_path_exists(metadata, '$.tokens ? (@.prompt.type() != "number" || @.prompt < 0 || @.completion.type() != "number" || @.completion < 0 || @.total.type() != "number" || @.total < 0)'))) AS bad) AS bad;
    IF found > 0 THEN
        RAISE EXCEPTION '% %: %', found, 'messages have token counts in their metadata that are not numbers from 0 up', shown_ids
        USING HINT = 'Change them, then run the migration again.';
    END IF;
END
$chatkeep$;
--> statement-breakpoint
UPDATE "ai-app-template_message" AS m SET "user_id" = c."user_id", "seq" = o."n",
    "parent_id" = o."parent_id", "updated_at" = m."created_at"
FROM (SELECT "id", row_number() OVER (ORDER BY "created_at", "seq") AS "n",
    lag("id") OVER (PARTITION BY "chat_id" ORDER BY "created_at", "seq") AS "parent_id" FROM "ai-app-template_message") AS o, "ai-app-template_chat" AS c
WHERE o."id" = m."id" AND c."id" = m."chat_id"
  AND (m."user_id" IS DISTINCT FROM c."user_id" OR m."seq" <> o."n"
       OR m."parent_id" IS DISTINCT FROM o."parent_id");
--> statement-breakpoint
UPDATE "ai-app-template_message" AS m SET "parent_id" = (SELECT p."id" FROM "ai-app-template_message" AS p
    WHERE p."chat_id" = m."chat_id" AND p."seq" < m."seq" ORDER BY p."seq" DESC LIMIT 1)
WHERE (m."parent_id" IS NOT NULL
  AND NOT EXISTS (SELECT FROM "ai-app-template_message" AS p WHERE p."id" = m."parent_id"));
--> statement-breakpoint
UPDATE "ai-app-template_chat" AS c SET "head" = (SELECT m."id" FROM "ai-app-template_message" AS m
    WHERE m."chat_id" = c."id" ORDER BY m."seq" DESC LIMIT 1)
WHERE (c."head" IS DISTINCT FROM (SELECT m."id" FROM "ai-app-template_message" AS m
    WHERE m."chat_id" = c."id" ORDER BY m."seq" DESC LIMIT 1)
  AND (c."head" IS NULL OR EXISTS (SELECT FROM "ai-app-template_message" AS h WHERE h."id" = c."head")));
--> statement-breakpoint
UPDATE "ai-app-template_user" AS u SET "created_at" = e."at"
FROM (
    SELECT u."id", least(u."email_verified", min(c."created_at")) AS "at"
    FROM "ai-app-template_user" AS u LEFT JOIN "ai-app-template_chat" AS c ON c."user_id" = u."id" GROUP BY u."id"
) AS e
WHERE e."id" = u."id" AND e."at" < u."created_at";
--> statement-breakpoint
UPDATE "ai-app-template_user_settings" SET "created_at" = "updated_at"
WHERE "updated_at" < "created_at";
--> statement-breakpoint
UPDATE "ai-app-template_search_cache" SET "updated_at" = "created_at"
WHERE "created_at" < "updated_at";
