"""Where a statement ends, and whether one would end the transaction."""

import pytest

from chatkeep.kit.applying.sqlscan import statement_words, transaction_command


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("select 1; select 2", 2),
        ("select ';'; select E'\\';'", 2),
        ('create table "a;b" (i int);', 1),
        ("select $$a;b$$; select $x$;$$;$x$", 2),
        ("-- a;b\nselect 1", 1),
        ("/* a; /* b; */ c; */ select 1;", 1),
        ("create rule r as on insert to a do also (select 1; select 2)", 1),
        (
            "create function f() returns int begin atomic; select case 1 when 1 then 2 end; end; go",
            2,
        ),
        ("create function f() returns int begin atomic; select 1 as end; select t.end; end; go", 2),
        ("create function f() returns int begin atomic; select 1 as case; end; go", 2),
        ('create function f() returns int begin atomic; select 1 as "x"; end; go', 2),
        ("create function f() begin atomic; select case when true then 1. end; end; go", 2),
        (";;", 0),
        ("select 'unfinished;", 1),
        ("select $1; select 2", 2),
    ],
)
def test_statements_are_counted(sql, count):
    assert len(list(statement_words(sql))) == count


@pytest.mark.parametrize(
    ("sql", "command"),
    [
        ("commit", "COMMIT"),
        ("create table a(); End;", "END"),
        ("start  transaction", "START TRANSACTION"),
        ("prepare transaction 'x'", "PREPARE TRANSACTION"),
        ("rollback to savepoint a", None),
        ("rollback work to a", None),
        ("savepoint a; release a", None),
        ("prepare p as select 1", None),
        ("do $$ begin perform 1; end $$", None),
        ("comment on table a is 'commit;'", None),
        ("create function f() returns int begin atomic select 1; end", None),
        ('select "commit"', None),
    ],
)
def test_transaction_commands_are_found(sql, command):
    assert transaction_command(sql) == command
