"""What a migration makes of every kind of object, told by table and with its SQL."""

from chatkeep.kit.effect import effect
from chatkeep.kit.folder import Folder
from chatkeep.kit.scratch import Scratch

MANY = """
CREATE SCHEMA s; CREATE VIEW v AS SELECT id FROM posts;
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'select 1';
CREATE TABLE s.a (id serial PRIMARY KEY, x int GENERATED ALWAYS AS IDENTITY, y text DEFAULT 'z');
COMMENT ON COLUMN s.a.y IS 'a word'; CREATE SEQUENCE q; CREATE DOMAIN d AS int CHECK (VALUE > 0);
ALTER TABLE s.a ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON s.a USING (true);
ALTER TABLE posts ADD CONSTRAINT nv CHECK (id > 0) NOT VALID;
CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq);
"""
EXCHANGE = """
ALTER TABLE posts RENAME TO away; ALTER TABLE s.a SET SCHEMA public; ALTER TABLE a RENAME TO posts;
ALTER TABLE away RENAME TO a; DROP VIEW v; DROP FUNCTION f(int);
"""


async def test_every_kind_is_told_where_a_person_looks_for_it(own_project, pg18):
    folder = Folder.read(own_project(many=MANY) / "drizzle")
    found = await effect(folder, "0003_many", Scratch(pg18.admin_url))
    told = {f"{each.kind} {each.name} {each.found}": each for each in found.changes}
    assert told.keys() == {
        "schema s added",
        "view public.v added",
        "function public.f(a integer) added",
        "table s.a added",
        "sequence public.q added",
        "domain public.d added",
        "table public.posts changed",
    }
    made = told["table s.a added"].after
    assert '"id" serial PRIMARY KEY' in made
    assert 'COMMENT ON COLUMN "s"."a"."y" IS \'a word\';' in made
    assert 'CREATE POLICY "p" ON "s"."a"' in made
    assert (
        'ADD CONSTRAINT "nv" CHECK ((id > 0)) NOT VALID;'
        in told["table public.posts changed"].after
    )
    assert found.others == ("operator public.===(integer, integer)",)


async def test_tables_that_exchange_names_are_told_as_they_look(own_project, pg18):
    folder = Folder.read(own_project(many=MANY, exchange=EXCHANGE) / "drizzle")
    found = await effect(folder, "0004_exchange", Scratch(pg18.admin_url))
    told = {f"{each.kind} {each.name} {each.found}": each for each in found.changes}
    assert told.keys() == {
        "view public.v removed",
        "function public.f(a integer) removed",
        "table public.a changed",
        "table public.posts added",
        "table s.a removed",
        "sequence public.a_id_seq added",
    }
    assert told["table public.a changed"].was == "public.posts"
    assert '"title" text' in told["table public.a changed"].before
    assert '"x" integer' in told["table public.posts added"].after
