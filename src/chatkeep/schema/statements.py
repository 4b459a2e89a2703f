"""Statements that migrations of every preset run: checks that stop with a plain sentence."""

# ruff: noqa: S608 - only names go into these statements, quoted by quote_name and quote_text

from chatkeep.schema.naming import quote_text


def block(body: str, declare: str = "") -> str:
    """Wrap PL/pgSQL for one run."""
    head = f"DECLARE\n{declare.strip(chr(10))}\n" if declare else ""
    return f"DO $chatkeep$\n{head}BEGIN\n{body.strip(chr(10))}\nEND\n$chatkeep$"


def in_batches(statement: str, key: str) -> str:
    """Give a statement as `chatkeep migrate` runs it in batches; psql runs it whole.

    Args:
        statement: An UPDATE or DELETE that ends with its WHERE, in parentheses.
        key: A column with an index, never NULL.
    """
    return f"-- chatkeep:batch key={key} size=1000\n{statement} /* chatkeep:batch */"


def stop_where(query: str, problem: str, remedy: str) -> str:
    """Stop the migration when `query` finds rows.

    The message holds the count and up to five of the ids, never what the rows contain.

    Args:
        query: Gives one column `id` as text.
        problem: What is wrong with the rows: `messages have a role that ...`.
        remedy: What to do, a sentence.
    """
    return block(
        f"""    SELECT count(*), string_agg("id", ', ' ORDER BY "place") FILTER (WHERE "place" <= 5)
    INTO found, shown_ids
    FROM (SELECT "id", row_number() OVER (ORDER BY "id") AS "place" FROM ({query}) AS bad) AS bad;
    IF found > 0 THEN
        RAISE EXCEPTION '% %: %', found, {quote_text(problem)}, shown_ids
        USING HINT = {quote_text(remedy)};
    END IF;""",
        "    found bigint;\n    shown_ids text;",
    )


def stop_at_duplicate_emails(users: str) -> str:
    """Stop the migration when two users share an e-mail, letter case aside.

    Args:
        users: The quoted table.
    """
    return block(
        f"""    SELECT count(*), string_agg("ids", '; ' ORDER BY "place") FILTER (WHERE "place" <= 20)
    INTO found, shown_ids
    FROM (
        SELECT string_agg("id", ', ' ORDER BY "id") AS "ids",
               row_number() OVER (ORDER BY min("id")) AS "place"
        FROM {users} GROUP BY lower("email") HAVING count(*) > 1
    ) AS same;
    IF found > 0 THEN
        RAISE EXCEPTION '% e-mails belong to several users, letter case aside; their ids: %',
            found, shown_ids
        USING HINT = 'Merge these users or change their e-mail, then run the migration again.';
    END IF;""",
        "    found bigint;\n    shown_ids text;",
    )


def stop_at_json_that_jsonb_refuses(table: str, columns: tuple[str, ...], shown: str) -> str:
    r"""Stop the migration when a json column holds what jsonb cannot, such as `\u0000`.

    Every value is converted once; only when that fails is the table read row by row.

    Args:
        table: The quoted table.
        columns: Its json columns.
        shown: The table's name in the message.
    """
    together = ", ".join(f'count("{column}"::jsonb)' for column in columns)
    single = "\n".join(f'                PERFORM line."{column}"::jsonb;' for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    return block(
        f"""    BEGIN
        PERFORM {together} FROM {table};
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        FOR line IN SELECT "id"::text AS "id", {names} FROM {table} ORDER BY "id" LOOP
            BEGIN
{single}
            EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
                found := found + 1;
                IF found <= 5 THEN
                    shown_ids := concat_ws(', ', shown_ids, line."id");
                END IF;
            END;
        END LOOP;
        RAISE EXCEPTION '% rows of % hold JSON that jsonb cannot store, such as \\u0000: %',
            found, {quote_text(shown)}, shown_ids
        USING HINT = 'Take that text out of these rows, then run the migration again.';
    END;""",
        "    found bigint := 0;\n    shown_ids text;\n    line record;",
    )
