-- Backfill: Stop if two users share an e-mail; fill what was empty.
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
        FROM "users" GROUP BY lower("email") HAVING count(*) > 1
    ) AS same;
    IF found > 0 THEN
        RAISE EXCEPTION '% e-mails belong to several users, letter case aside; their ids: %',
            found, shown_ids
        USING HINT = 'Merge these users or change their e-mail, then run the migration again.';
    END IF;
END
$chatkeep$;
--> statement-breakpoint
UPDATE "users" SET "email_verified" = false WHERE "email_verified" IS NULL;
--> statement-breakpoint
UPDATE "sessions" SET "updated_at" = "created_at" AT TIME ZONE 'UTC'
WHERE "created_at" AT TIME ZONE 'UTC' < "updated_at";
--> statement-breakpoint
UPDATE "sessions" SET "token" = "id" WHERE "token" IS NULL;
