"""Nothing of a row but its key gets into a review, whatever goes wrong with it."""

import json
import random

import asyncpg
import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.review import Options, as_markdown, as_plain, review

TYPES = ["text", "varchar(60)", "json", "jsonb", "bytea", "text[]", "xml"]
CHANGES = [
    "ALTER TABLE t ALTER COLUMN {c} TYPE integer USING {c}::text::integer",
    "ALTER TABLE t ALTER COLUMN {c} TYPE date USING ({c}::text)::date",
    "ALTER TABLE t ALTER COLUMN {c} TYPE uuid USING {c}::text::uuid",
    "ALTER TABLE t ALTER COLUMN {c} TYPE varchar(3) USING {c}::text::varchar(3)",
    "ALTER TABLE t ADD CONSTRAINT k CHECK (length({c}::text) < 3)",
    "ALTER TABLE t ADD CONSTRAINT k CHECK ({c}::text::integer > 3)",
    "CREATE UNIQUE INDEX i ON t ((left({c}::text, 1)))",
    (
        "CREATE FUNCTION f(v text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS "
        "'BEGIN RAISE EXCEPTION ''no: %'', v; END'; ALTER TABLE t ADD CONSTRAINT k CHECK (f({c}::text))"
    ),
    "ALTER TABLE t ADD CONSTRAINT k CHECK (raises({c}::text))",
    "CREATE UNIQUE INDEX i ON t ((raises({c}::text)))",
    "ALTER TABLE t ADD COLUMN r text REFERENCES p (id)",
    "ALTER TABLE t ALTER COLUMN {c} SET NOT NULL",
    "ALTER TABLE t DROP COLUMN {c}",
    "CREATE TYPE e AS ENUM ('a'); ALTER TABLE t ALTER COLUMN {c} TYPE e USING {c}::text::e",
    "ALTER TABLE t ALTER COLUMN {c} TYPE integer USING raises({c}::text)::integer",
    "DELETE FROM t",
    "DROP TABLE t",
]
RAISES = """
CREATE FUNCTION raises(v text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN RAISE EXCEPTION 'not %', v USING ERRCODE = 'data_exception', DETAIL = v, HINT = v; END $$;
CREATE TABLE p (id text PRIMARY KEY);
"""


def value(type_: str, secret: str) -> str:
    return {
        "json": f'\'{{"a": "{secret}"}}\'',
        "jsonb": f'\'{{"a": "{secret}"}}\'',
        "text[]": f"ARRAY['{secret}']",
        "xml": f"'<a>{secret}</a>'",
    }.get(type_, f"'{secret}'")


@pytest.mark.parametrize("seed", range(len(CHANGES)))
async def test_no_value_gets_out(seed, folder_of, scratch18, playground18, pg18, caplog, capfd):
    chance = random.Random(seed)
    secret = f"topsecret{chance.randrange(10**9)}"
    kinds = [chance.choice(TYPES[:-1]) for _ in range(3)]  # the embedded server has no XML
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(kinds))
    base = f"{RAISES}CREATE TABLE t (id bigint PRIMARY KEY, {columns})"
    folder = Folder.read(folder_of(base, CHANGES[seed].format(c=f"c{chance.randrange(3)}")))
    connection = await playground18("")
    url = pg18.url(await connection.fetchval("SELECT current_database()"))
    await migrate(folder, url, to="0000")
    values = ", ".join(value(kind, secret) for kind in kinds)
    await connection.execute(f"INSERT INTO t VALUES (1, {values}), (2, {values})")
    found = await review(folder, scratch18, url=url, options=Options(small_bytes=0))
    assert found.migrations
    out = [repr(found), json.dumps(found.as_json()), as_plain(found), as_markdown(found)]
    out += [caplog.text, *capfd.readouterr()]
    encoded = secret.encode().hex()
    assert not [text for text in out if secret in text or encoded in text]
    assert isinstance(connection, asyncpg.Connection)
