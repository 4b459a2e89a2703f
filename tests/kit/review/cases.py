"""Sample migrations: what each statement does, and what the review says of it.

`does`: one line for each statement of the last file: locks beyond ACCESS SHARE, then what it
rewrites and reads from end to end. `found`: statement, severity and rule. Each was read against
PostgreSQL's documentation of the command; they hold on 18 and 15, for empty tables and for full ones.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A migration on the tables of base.py.

    Attributes:
        files: Its files; the last one is reviewed.
        since: The first PostgreSQL that has the syntax.
        with_rows: False where the statement fails as soon as there are rows.
    """

    name: str
    files: tuple[str, ...]
    does: tuple[str, ...]
    found: tuple[str, ...] = ()
    since: int = 15
    with_rows: bool = True


CASES = (
    Case(
        "index",
        ("CREATE INDEX posts_title_idx ON posts (title)",),
        ("posts: SHARE; scans posts",),
        ("1 danger index-locks-writes",),
    ),
    Case(
        "unique index",
        ("CREATE UNIQUE INDEX notes_post_key ON notes (post_id)",),
        ("notes: SHARE; scans notes",),
        ("1 danger index-locks-writes",),
    ),
    Case(
        "partial index",
        ("CREATE INDEX posts_liked_idx ON posts (likes) WHERE likes > 10",),
        ("posts: SHARE; scans posts",),
        ("1 danger index-locks-writes",),
    ),
    Case(
        "expression index",
        ("CREATE INDEX users_email_lower_idx ON users (lower(email))",),
        ("users: SHARE; scans users",),
        ("1 danger index-locks-writes",),
    ),
    Case(
        "gin index",
        ("CREATE INDEX posts_search_idx ON posts USING gin (to_tsvector('english', title))",),
        ("posts: SHARE; scans posts",),
        ("1 danger index-locks-writes",),
    ),
    Case(
        "index concurrently",
        ("CREATE INDEX CONCURRENTLY posts_title_idx ON posts (title)",),
        ("posts: SHARE UPDATE EXCLUSIVE; scans posts",),
        ("1 note outside-transaction",),
    ),
    Case(
        "index on a new table",
        (
            "CREATE TABLE tags (id bigint PRIMARY KEY, name text); CREATE INDEX tags_name_idx ON tags (name)",
        ),
        ("nothing", "nothing"),
    ),
    Case(
        "index on a partitioned table",
        ("CREATE INDEX events_what_idx ON events (what)",),
        ("events: SHARE, events_2025: SHARE; scans events_2025",),
        ("1 danger index-locks-writes",),
    ),
    Case(
        "index in a DO block",
        ("DO $$ BEGIN EXECUTE 'CREATE INDEX posts_title_idx ON posts (title)'; END $$",),
        ("posts: SHARE; scans posts",),
        ("1 danger index-locks-writes",),
    ),
    Case(
        "drop index",
        ("DROP INDEX users_name_idx",),
        ("users: ACCESS EXCLUSIVE",),
        ("1 note index-drop-locks",),
    ),
    Case(
        "drop index concurrently",
        ("DROP INDEX CONCURRENTLY users_name_idx",),
        ("users: SHARE UPDATE EXCLUSIVE",),
        ("1 note outside-transaction",),
    ),
    Case(
        "drop unique index",
        ("DROP INDEX users_email_key",),
        ("users: ACCESS EXCLUSIVE",),
        ("1 note index-drop-locks", "1 warning unique-dropped"),
    ),
    Case(
        "reindex",
        ("REINDEX INDEX users_name_idx",),
        ("users: SHARE; scans users",),
        ("1 danger index-rebuild-locks",),
    ),
    Case(
        "reindex table",
        ("REINDEX TABLE users",),
        ("users: SHARE; scans users",),
        (
            "1 danger index-rebuild-locks",
            "1 danger index-rebuild-locks",
            "1 danger index-rebuild-locks",
        ),
    ),
    Case(
        "reindex concurrently",
        ("REINDEX INDEX CONCURRENTLY users_name_idx",),
        ("users: SHARE UPDATE EXCLUSIVE; scans users",),
        ("1 note outside-transaction",),
    ),
    Case(
        "rename index",
        ("ALTER INDEX users_name_idx RENAME TO users_by_name",),
        ("nothing",),
    ),
    Case(
        "add unique",
        ("ALTER TABLE notes ADD CONSTRAINT notes_post_key UNIQUE (post_id)",),
        ("notes: ACCESS EXCLUSIVE; scans notes",),
        ("1 danger unique-locks-table",),
    ),
    Case(
        "add unique by an index",
        (
            "CREATE UNIQUE INDEX CONCURRENTLY notes_post_key ON notes (post_id)",
            "ALTER TABLE notes ADD CONSTRAINT notes_post_key UNIQUE USING INDEX notes_post_key",
        ),
        ("notes: ACCESS EXCLUSIVE",),
    ),
    Case(
        "add primary key",
        ("ALTER TABLE events_2026 ADD PRIMARY KEY (at)",),
        ("events_2026: ACCESS EXCLUSIVE; scans events_2026",),
        ("1 danger unique-locks-table",),
    ),
    Case(
        "add exclusion",
        ("ALTER TABLE events_2026 ADD CONSTRAINT once EXCLUDE USING btree (at WITH =)",),
        ("events_2026: ACCESS EXCLUSIVE; scans events_2026",),
        ("1 danger unique-locks-table",),
    ),
    Case(
        "drop constraint",
        ("ALTER TABLE posts DROP CONSTRAINT posts_title_check",),
        ("posts: ACCESS EXCLUSIVE",),
    ),
    Case(
        "add check",
        ("ALTER TABLE posts ADD CONSTRAINT posts_long CHECK (length(title) < 500)",),
        ("posts: ACCESS EXCLUSIVE; scans posts",),
        ("1 danger check-scans",),
    ),
    Case(
        "add check not valid",
        ("ALTER TABLE posts ADD CONSTRAINT posts_long CHECK (length(title) < 500) NOT VALID",),
        ("posts: ACCESS EXCLUSIVE",),
    ),
    Case(
        "validate check",
        ("ALTER TABLE posts VALIDATE CONSTRAINT posts_likes_check",),
        ("posts: SHARE UPDATE EXCLUSIVE; scans posts",),
    ),
    Case(
        "check not valid and validated at once",
        (
            "ALTER TABLE posts ADD CONSTRAINT posts_long CHECK (length(title) < 500) NOT VALID; ALTER TABLE posts VALIDATE CONSTRAINT posts_long",
        ),
        ("posts: ACCESS EXCLUSIVE", "posts: SHARE UPDATE EXCLUSIVE; scans posts"),
        ("2 danger work-under-lock",),
    ),
    Case(
        "add foreign key",
        (
            "ALTER TABLE posts ADD CONSTRAINT posts_user_fk FOREIGN KEY (user_id) REFERENCES users (id)",
        ),
        ("posts: SHARE ROW EXCLUSIVE, users: SHARE ROW EXCLUSIVE; scans posts",),
        ("1 danger foreign-key-scans",),
    ),
    Case(
        "add foreign key not valid",
        (
            "ALTER TABLE posts ADD CONSTRAINT posts_user_fk FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID",
        ),
        ("posts: SHARE ROW EXCLUSIVE, users: SHARE ROW EXCLUSIVE",),
    ),
    Case(
        "validate foreign key",
        (
            "ALTER TABLE posts ADD CONSTRAINT posts_user_fk FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID",
            "ALTER TABLE posts VALIDATE CONSTRAINT posts_user_fk",
        ),
        ("posts: SHARE UPDATE EXCLUSIVE, users: ROW SHARE; scans posts",),
    ),
    Case(
        "foreign key without index",
        (
            "ALTER TABLE events_2026 ADD COLUMN post_id bigint; ALTER TABLE events_2026 ADD CONSTRAINT e_fk FOREIGN KEY (post_id) REFERENCES posts (id) NOT VALID",
        ),
        (
            "events_2026: ACCESS EXCLUSIVE",
            "events_2026: SHARE ROW EXCLUSIVE, posts: SHARE ROW EXCLUSIVE",
        ),
        ("2 warning foreign-key-without-index", "2 warning several-tables-locked"),
    ),
    Case(
        "foreign key of a new table",
        ("CREATE TABLE likes (user_id text PRIMARY KEY REFERENCES users (id))",),
        ("users: SHARE ROW EXCLUSIVE",),
    ),
    Case(
        "add column",
        ("ALTER TABLE users ADD COLUMN nick text",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "add column with constant default",
        ("ALTER TABLE users ADD COLUMN nick text NOT NULL DEFAULT 'none'",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "add column default now",
        ("ALTER TABLE users ADD COLUMN seen timestamptz DEFAULT now()",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "add column volatile default",
        ("ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid()",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger added-column-rewrites",),
    ),
    Case(
        "add column clock default",
        ("ALTER TABLE users ADD COLUMN seen timestamptz DEFAULT clock_timestamp()",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger added-column-rewrites",),
    ),
    Case(
        "add column required",
        ("ALTER TABLE users ADD COLUMN nick text NOT NULL",),
        ("users: ACCESS EXCLUSIVE; scans users",),
        ("1 danger required-column",),
        with_rows=False,
    ),
    Case(
        "add identity column",
        ("ALTER TABLE users ADD COLUMN seq bigint GENERATED BY DEFAULT AS IDENTITY",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger added-column-rewrites",),
    ),
    Case(
        "add serial column",
        ("ALTER TABLE users ADD COLUMN seq bigserial",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger added-column-rewrites", "1 note serial-type"),
    ),
    Case(
        "add stored column",
        ("ALTER TABLE posts ADD COLUMN twice integer GENERATED ALWAYS AS (likes * 2) STORED",),
        ("posts: ACCESS EXCLUSIVE; rewrites posts; scans posts",),
        ("1 danger added-column-rewrites",),
    ),
    Case(
        "add virtual column",
        ("ALTER TABLE posts ADD COLUMN twice integer GENERATED ALWAYS AS (likes * 2) VIRTUAL",),
        ("posts: ACCESS EXCLUSIVE",),
        since=18,
    ),
    Case(
        "add column with check",
        ("ALTER TABLE posts ADD COLUMN kind text CHECK (kind <> '')",),
        ("posts: ACCESS EXCLUSIVE; scans posts",),
        ("1 danger check-scans",),
    ),
    Case(
        "add column with foreign key",
        ("ALTER TABLE posts ADD COLUMN editor text REFERENCES users (id)",),
        ("posts: ACCESS EXCLUSIVE, users: SHARE ROW EXCLUSIVE",),
        ("1 warning foreign-key-without-index",),
    ),
    Case(
        "add unique column",
        ("ALTER TABLE posts ADD COLUMN slug text UNIQUE",),
        ("posts: ACCESS EXCLUSIVE; scans posts",),
        ("1 danger unique-locks-table",),
    ),
    Case(
        "set default",
        ("ALTER TABLE users ALTER COLUMN age SET DEFAULT 18",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "drop default",
        ("ALTER TABLE users ALTER COLUMN plan DROP DEFAULT",),
        ("users: ACCESS EXCLUSIVE",),
        ("1 warning default-dropped",),
    ),
    Case(
        "set not null",
        ("ALTER TABLE users ALTER COLUMN age SET NOT NULL",),
        ("users: ACCESS EXCLUSIVE; scans users",),
        ("1 danger not-null-scans", "1 warning required-column"),
    ),
    Case(
        "set not null proved by a check",
        ("ALTER TABLE posts ALTER COLUMN likes SET NOT NULL",),
        ("posts: ACCESS EXCLUSIVE",),
        ("1 warning required-column",),
    ),
    Case(
        "not null not valid",
        ("ALTER TABLE users ADD CONSTRAINT age_set NOT NULL age NOT VALID",),
        ("users: ACCESS EXCLUSIVE",),
        ("1 warning required-column",),
        since=18,
    ),
    Case(
        "drop not null",
        ("ALTER TABLE users ALTER COLUMN plan DROP NOT NULL",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "drop column",
        ("ALTER TABLE users DROP COLUMN bio",),
        ("users: ACCESS EXCLUSIVE",),
        ("1 danger column-dropped",),
    ),
    Case(
        "rename column",
        ("ALTER TABLE users RENAME COLUMN bio TO about",),
        ("users: ACCESS EXCLUSIVE",),
        ("1 danger column-renamed",),
    ),
    Case(
        "rename table",
        ("ALTER TABLE posts RENAME TO articles",),
        ("posts: ACCESS EXCLUSIVE",),
        ("1 danger table-renamed",),
    ),
    Case(
        "rename table behind a view",
        ("ALTER TABLE posts RENAME TO articles; CREATE VIEW posts AS SELECT * FROM articles",),
        ("posts: ACCESS EXCLUSIVE", "nothing"),
    ),
    Case(
        "move to a schema",
        ("CREATE SCHEMA app; ALTER TABLE notes SET SCHEMA app",),
        ("nothing", "notes: ACCESS EXCLUSIVE"),
        ("2 danger table-renamed",),
    ),
    Case(
        "drop table",
        ("DROP TABLE notes",),
        ("notes: ACCESS EXCLUSIVE, posts: ACCESS EXCLUSIVE",),
        ("1 danger table-dropped",),
    ),
    Case(
        "drop table cascade",
        ("DROP TABLE posts CASCADE",),
        ("notes: ACCESS EXCLUSIVE, post_counts: ACCESS EXCLUSIVE, posts: ACCESS EXCLUSIVE",),
        ("1 danger table-dropped", "1 warning object-dropped"),
    ),
    Case(
        "widen varchar",
        ("ALTER TABLE users ALTER COLUMN name TYPE varchar(200)",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "varchar to text",
        ("ALTER TABLE users ALTER COLUMN name TYPE text",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "narrow varchar",
        ("ALTER TABLE users ALTER COLUMN name TYPE varchar(50)",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger column-type-rewrites",),
    ),
    Case(
        "narrow varchar by cutting",
        ("ALTER TABLE users ALTER COLUMN name TYPE varchar(50) USING name::varchar(50)",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger column-type-rewrites", "1 danger values-cut"),
    ),
    Case(
        "int to bigint",
        ("ALTER TABLE users ALTER COLUMN age TYPE bigint",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger column-type-rewrites",),
    ),
    Case(
        "bigint to int",
        ("ALTER TABLE notes ALTER COLUMN id TYPE integer",),
        ("notes: ACCESS EXCLUSIVE; rewrites notes; scans notes",),
        ("1 danger column-type-rewrites",),
    ),
    Case(
        "text to int",
        ("ALTER TABLE users ALTER COLUMN bio TYPE integer USING length(bio)",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger column-type-rewrites", "1 warning column-type-changed"),
    ),
    Case(
        "numeric wider",
        ("ALTER TABLE users ALTER COLUMN balance TYPE numeric(12, 2)",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "numeric finer",
        ("ALTER TABLE users ALTER COLUMN balance TYPE numeric(12, 4)",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger column-type-rewrites",),
    ),
    Case(
        "numeric coarser",
        ("ALTER TABLE users ALTER COLUMN balance TYPE numeric(10, 0)",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger column-type-rewrites", "1 danger values-cut"),
    ),
    Case(
        "timestamp to timestamptz in UTC",
        ("ALTER TABLE users ALTER COLUMN born TYPE timestamptz",),
        ("users: ACCESS EXCLUSIVE",),
        ("1 warning column-type-changed",),
    ),
    Case(
        "timestamp to timestamptz elsewhere",
        (
            "SET LOCAL timezone = 'Europe/Berlin'; ALTER TABLE users ALTER COLUMN born TYPE timestamptz",
        ),
        ("nothing", "users: ACCESS EXCLUSIVE; rewrites users; scans users"),
        ("2 danger column-type-rewrites", "2 warning column-type-changed"),
    ),
    Case(
        "json to jsonb",
        ("ALTER TABLE posts ALTER COLUMN body TYPE jsonb",),
        ("posts: ACCESS EXCLUSIVE; rewrites posts; scans posts",),
        ("1 danger column-type-rewrites", "1 warning column-type-changed"),
    ),
    Case(
        "collation",
        ('ALTER TABLE users ALTER COLUMN name TYPE varchar(100) COLLATE "C"',),
        ("users: ACCESS EXCLUSIVE; scans users",),
        ("1 danger index-rebuild-locks",),
    ),
    Case(
        "enum value added",
        ("ALTER TYPE mood ADD VALUE 'calm'",),
        ("nothing",),
    ),
    Case(
        "enum value renamed",
        ("ALTER TYPE mood RENAME VALUE 'odd' TO 'strange'",),
        ("nothing",),
        ("1 warning object-renamed",),
    ),
    Case(
        "enum value removed",
        (
            "ALTER TYPE mood RENAME TO mood_old; CREATE TYPE mood AS ENUM ('glad', 'sad'); ALTER TABLE users ALTER COLUMN mood DROP DEFAULT; ALTER TABLE users ALTER COLUMN mood TYPE mood USING mood::text::mood; DROP TYPE mood_old",
        ),
        (
            "nothing",
            "nothing",
            "users: ACCESS EXCLUSIVE",
            "users: SHARE; rewrites users; scans users",
            "nothing",
        ),
        ("4 danger column-type-rewrites", "4 danger enum-value-dropped"),
    ),
    Case(
        "domain check",
        ("ALTER DOMAIN score ADD CONSTRAINT score_check CHECK (value >= 0)",),
        ("posts: SHARE; scans posts",),
        ("1 danger check-scans",),
    ),
    Case(
        "domain check not valid",
        ("ALTER DOMAIN score ADD CONSTRAINT score_check CHECK (value >= 0) NOT VALID",),
        ("nothing",),
    ),
    Case(
        "update all rows",
        ("UPDATE users SET plan = 'paid'",),
        ("users: ROW EXCLUSIVE; scans users",),
        ("1 danger no-where",),
    ),
    Case(
        "delete all rows",
        ("DELETE FROM notes",),
        ("notes: ROW EXCLUSIVE; scans notes",),
        ("1 danger no-where",),
    ),
    Case(
        "update some rows",
        ("UPDATE users SET plan = 'paid' WHERE age > 30",),
        ("users: ROW EXCLUSIVE; scans users",),
        ("1 warning backfill-in-one-go",),
    ),
    Case(
        "update in a batch",
        ("UPDATE users SET plan = 'paid' WHERE age > 30 /* chatkeep:batch */",),
        ("users: ROW EXCLUSIVE; scans users",),
    ),
    Case(
        "update by key",
        ("UPDATE users SET plan = 'paid' WHERE id = 'u1'",),
        ("users: ROW EXCLUSIVE",),
    ),
    Case(
        "update in a DO block",
        ("DO $$ BEGIN UPDATE users SET plan = 'paid' WHERE age > 30; END $$",),
        ("users: ROW EXCLUSIVE; scans users",),
        ("1 warning backfill-in-one-go",),
    ),
    Case(
        "insert",
        ("INSERT INTO notes (id, text) VALUES (100000, 'x')",),
        ("notes: ROW EXCLUSIVE",),
    ),
    Case(
        "insert from a select",
        ("INSERT INTO notes (id) SELECT id + 100000 FROM posts",),
        ("notes: ROW EXCLUSIVE; scans posts",),
    ),
    Case(
        "truncate",
        ("TRUNCATE notes",),
        ("notes: ACCESS EXCLUSIVE; rewrites notes; scans notes",),
        ("1 danger truncates",),
    ),
    Case(
        "truncate cascade",
        ("TRUNCATE posts CASCADE",),
        (
            "notes: ACCESS EXCLUSIVE, posts: ACCESS EXCLUSIVE; rewrites notes, posts; scans notes, posts",
        ),
        ("1 danger truncates", "1 danger truncates"),
    ),
    Case(
        "truncate in a DO block",
        ("DO $$ BEGIN EXECUTE 'TRUNCATE notes'; END $$",),
        ("notes: ACCESS EXCLUSIVE; rewrites notes; scans notes",),
        ("1 danger truncates",),
    ),
    Case(
        "column then update",
        ("ALTER TABLE users ADD COLUMN nick text; UPDATE users SET nick = name",),
        ("users: ACCESS EXCLUSIVE", "users: ROW EXCLUSIVE; scans users"),
        ("2 danger no-where", "2 danger work-under-lock"),
    ),
    Case(
        "lock of one table, work on another",
        ("ALTER TABLE users ADD COLUMN nick text; UPDATE posts SET likes = 0 WHERE likes > 5",),
        ("users: ACCESS EXCLUSIVE", "posts: ROW EXCLUSIVE; scans posts"),
        ("2 danger work-under-lock", "2 warning backfill-in-one-go"),
    ),
    Case(
        "two tables locked",
        ("ALTER TABLE users ADD COLUMN nick text; ALTER TABLE posts ADD COLUMN kind text",),
        ("users: ACCESS EXCLUSIVE", "posts: ACCESS EXCLUSIVE"),
        ("2 warning several-tables-locked",),
    ),
    Case(
        "lock table",
        ("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE",),
        ("users: SHARE ROW EXCLUSIVE",),
        ("1 warning explicit-lock",),
    ),
    Case(
        "set logged",
        ("ALTER TABLE notes SET UNLOGGED",),
        ("notes: ACCESS EXCLUSIVE; rewrites notes; scans notes",),
        ("1 danger table-rewrite",),
    ),
    Case(
        "cluster",
        ("CLUSTER users USING users_name_idx",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger table-rewrite",),
    ),
    Case(
        "vacuum full",
        ("VACUUM FULL users",),
        ("users: ACCESS EXCLUSIVE; rewrites users; scans users",),
        ("1 danger table-rewrite", "1 note outside-transaction"),
    ),
    Case(
        "vacuum",
        ("VACUUM users",),
        ("nothing",),
        ("1 note outside-transaction",),
    ),
    Case(
        "analyze",
        ("ANALYZE users",),
        ("users: SHARE UPDATE EXCLUSIVE",),
    ),
    Case(
        "storage parameter",
        ("ALTER TABLE users SET (fillfactor = 90)",),
        ("users: SHARE UPDATE EXCLUSIVE",),
    ),
    Case(
        "set storage",
        ("ALTER TABLE users ALTER COLUMN bio SET STORAGE external",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "refresh view",
        ("REFRESH MATERIALIZED VIEW post_counts",),
        ("post_counts: ACCESS EXCLUSIVE; rewrites post_counts; scans post_counts, posts",),
        ("1 danger view-refresh-locks",),
    ),
    Case(
        "refresh view concurrently",
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY post_counts",),
        ("post_counts: EXCLUSIVE; scans post_counts, posts",),
    ),
    Case(
        "create materialized view",
        ("CREATE MATERIALIZED VIEW ages AS SELECT age, count(*) FROM users GROUP BY 1",),
        ("scans users",),
    ),
    Case(
        "replace view",
        ("CREATE OR REPLACE VIEW adults AS SELECT id, plan FROM users WHERE age >= 21",),
        ("adults: ACCESS EXCLUSIVE",),
    ),
    Case(
        "drop view",
        ("DROP VIEW adults",),
        ("adults: ACCESS EXCLUSIVE",),
        ("1 warning object-dropped",),
    ),
    Case(
        "drop function",
        ("DROP FUNCTION shout(text)",),
        ("nothing",),
        ("1 warning object-dropped",),
    ),
    Case(
        "replace function",
        (
            "CREATE OR REPLACE FUNCTION shout(word text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(word) || ''!'''",
        ),
        ("nothing",),
    ),
    Case(
        "drop type",
        ("DROP TYPE colour",),
        ("nothing",),
        ("1 warning object-dropped",),
    ),
    Case(
        "drop sequence",
        ("DROP SEQUENCE tickets",),
        ("nothing",),
        ("1 warning object-dropped",),
    ),
    Case(
        "create trigger",
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()",
        ),
        ("nothing", "users: SHARE ROW EXCLUSIVE"),
    ),
    Case(
        "attach partition",
        (
            "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        ),
        ("events: SHARE UPDATE EXCLUSIVE, events_2026: ACCESS EXCLUSIVE; scans events_2026",),
        ("1 danger partition-scans",),
    ),
    Case(
        "attach partition with a check",
        (
            "ALTER TABLE events ATTACH PARTITION events_2027 FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
        ),
        ("events: SHARE UPDATE EXCLUSIVE, events_2027: ACCESS EXCLUSIVE",),
    ),
    Case(
        "detach partition",
        ("ALTER TABLE events DETACH PARTITION events_2025",),
        ("events: ACCESS EXCLUSIVE, events_2025: ACCESS EXCLUSIVE",),
        ("1 note partition-detach-locks",),
    ),
    Case(
        "detach partition concurrently",
        ("ALTER TABLE events DETACH PARTITION events_2025 CONCURRENTLY",),
        ("nothing",),
        ("1 note outside-transaction",),
    ),
    Case(
        "row security",
        ("ALTER TABLE users ENABLE ROW LEVEL SECURITY",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "policy",
        ("CREATE POLICY p ON users USING (true)",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "comment",
        ("COMMENT ON TABLE users IS 'people'",),
        ("users: SHARE UPDATE EXCLUSIVE",),
    ),
    Case(
        "grant",
        ("GRANT SELECT ON users TO public",),
        ("nothing",),
    ),
    Case(
        "statistics",
        ("CREATE STATISTICS s ON age, plan FROM users",),
        ("users: SHARE UPDATE EXCLUSIVE",),
    ),
    Case(
        "concurrently among others",
        (
            "ALTER TABLE users ADD COLUMN nick text; CREATE INDEX CONCURRENTLY posts_title_idx ON posts (title)",
        ),
        ("users: ACCESS EXCLUSIVE", "posts: SHARE UPDATE EXCLUSIVE; scans posts"),
        ("2 note outside-transaction", "2 warning concurrently-with-others"),
    ),
    Case(
        "enum value used at once",
        (
            "ALTER TYPE mood ADD VALUE 'calm'; ALTER TABLE users ALTER COLUMN mood SET DEFAULT 'calm'",
        ),
        ("nothing", "users: ACCESS EXCLUSIVE"),
        ("1 note outside-transaction",),
    ),
    Case(
        "long name",
        (
            "ALTER TABLE users ADD COLUMN a_column_with_a_name_that_is_much_longer_than_postgresql_takes_it text",
        ),
        ("users: ACCESS EXCLUSIVE",),
        ("1 warning name-too-long",),
    ),
    Case(
        "if not exists",
        ("CREATE TABLE IF NOT EXISTS users (id text)",),
        ("nothing",),
        ("1 warning already-there",),
    ),
    Case(
        "char column",
        ("ALTER TABLE users ADD COLUMN code char(3)",),
        ("users: ACCESS EXCLUSIVE",),
        ("1 note char-type",),
    ),
    Case(
        "new table with old types",
        ("CREATE TABLE logs (id serial PRIMARY KEY, at timestamp)",),
        ("nothing",),
        ("1 note serial-type", "1 note small-key", "1 note timestamp-without-zone"),
    ),
    Case(
        "fails",
        ("ALTER TABLE nowhere ADD COLUMN x text",),
        (),
        ("1 danger fails",),
    ),
    Case(
        "transaction command",
        ("BEGIN; ALTER TABLE users ADD COLUMN nick text; COMMIT",),
        (),
        ("0 danger fails",),
    ),
    Case(
        "alter system",
        ("ALTER SYSTEM SET work_mem = '8MB'",),
        ("nothing",),
        ("1 note outside-transaction", "1 warning server-wide-command"),
    ),
    Case(
        "nothing",
        ("SELECT 1",),
        ("nothing",),
    ),
    Case(
        "add primary key by an index",
        (
            "CREATE UNIQUE INDEX CONCURRENTLY events_2026_at ON events_2026 (at)",
            "ALTER TABLE events_2026 ADD PRIMARY KEY USING INDEX events_2026_at",
        ),
        ("events_2026: ACCESS EXCLUSIVE",),
    ),
    Case(
        "add foreign key that waits",
        (
            "ALTER TABLE notes ADD COLUMN user_id text; ALTER TABLE notes ADD CONSTRAINT notes_user_fk FOREIGN KEY (user_id) REFERENCES users (id)",
        ),
        (
            "notes: ACCESS EXCLUSIVE",
            "notes: SHARE ROW EXCLUSIVE, users: SHARE ROW EXCLUSIVE; scans notes",
        ),
        (
            "2 danger foreign-key-scans",
            "2 warning foreign-key-without-index",
            "2 warning several-tables-locked",
        ),
    ),
    Case(
        "drop unique for a wider one",
        ("CREATE UNIQUE INDEX users_email_unique ON users (email); DROP INDEX users_email_key",),
        ("users: SHARE; scans users", "users: ACCESS EXCLUSIVE"),
        ("1 danger index-locks-writes", "2 note index-drop-locks"),
    ),
    Case(
        "select under a lock",
        ("ALTER TABLE users ADD COLUMN nick text; SELECT count(*) FROM posts",),
        ("users: ACCESS EXCLUSIVE", "scans posts"),
        ("2 danger work-under-lock",),
    ),
    Case(
        "drop schema",
        ("CREATE SCHEMA old; CREATE TABLE old.t (id bigint)", "DROP SCHEMA old CASCADE"),
        ("old.t: ACCESS EXCLUSIVE",),
        ("1 danger table-dropped", "1 warning object-dropped"),
    ),
    Case(
        "rename view",
        ("ALTER VIEW adults RENAME TO grown",),
        ("adults: ACCESS EXCLUSIVE",),
        ("1 warning object-renamed",),
    ),
    Case(
        "rename function",
        ("ALTER FUNCTION shout(text) RENAME TO yell",),
        ("nothing",),
        ("1 warning object-renamed",),
    ),
    Case(
        "disable trigger",
        ("ALTER TABLE users DISABLE TRIGGER ALL",),
        ("users: SHARE ROW EXCLUSIVE",),
    ),
    Case(
        "array type",
        ("ALTER TABLE users ADD COLUMN tags text[] NOT NULL DEFAULT '{}'",),
        ("users: ACCESS EXCLUSIVE",),
    ),
    Case(
        "merge",
        (
            "MERGE INTO users u USING posts p ON p.user_id = u.id WHEN MATCHED THEN UPDATE SET plan = 'paid'",
        ),
        ("users: ROW EXCLUSIVE; scans posts",),
        ("1 warning backfill-in-one-go",),
    ),
    Case(
        "delete with a condition",
        ("DELETE FROM notes WHERE text IS NULL",),
        ("notes: ROW EXCLUSIVE; scans notes",),
        ("1 warning backfill-in-one-go",),
    ),
)
