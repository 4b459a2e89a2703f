-- Check: Stop if a json column holds what jsonb cannot store.
DO $chatkeep$
DECLARE
    found bigint := 0;
    shown_ids text;
    line record;
BEGIN
    BEGIN
        PERFORM count("sources"::jsonb), count("metadata"::jsonb) FROM "ai-app-template_message";
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        FOR line IN SELECT "id"::text AS "id", "sources", "metadata" FROM "ai-app-template_message" ORDER BY "id" LOOP
            BEGIN
                PERFORM line."sources"::jsonb;
                PERFORM line."metadata"::jsonb;
            EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
                found := found + 1;
                IF found <= 5 THEN
                    shown_ids := concat_ws(', ', shown_ids, line."id");
                END IF;
            END;
        END LOOP;
        RAISE EXCEPTION '% rows of % hold JSON that jsonb cannot store, such as \u0000: %',
            found, 'ai-app-template_message', shown_ids
        USING HINT = 'Take that text out of these rows, then run the migration again.';
    END;
END
$chatkeep$;
--> statement-breakpoint
DO $chatkeep$
DECLARE
    found bigint := 0;
    shown_ids text;
    line record;
BEGIN
    BEGIN
        PERFORM count("results"::jsonb) FROM "ai-app-template_search_cache";
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        FOR line IN SELECT "id"::text AS "id", "results" FROM "ai-app-template_search_cache" ORDER BY "id" LOOP
            BEGIN
                PERFORM line."results"::jsonb;
            EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
                found := found + 1;
                IF found <= 5 THEN
                    shown_ids := concat_ws(', ', shown_ids, line."id");
                END IF;
            END;
        END LOOP;
        RAISE EXCEPTION '% rows of % hold JSON that jsonb cannot store, such as \u0000: %',
            found, 'ai-app-template_search_cache', shown_ids
        USING HINT = 'Take that text out of these rows, then run the migration again.';
    END;
END
$chatkeep$;
