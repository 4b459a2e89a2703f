"""What a file says to chatkeep, and what only looks like it."""

import pytest

from chatkeep.kit.folder.directives import Directive, directives


def test_directives_come_in_their_order_with_word_arguments_and_line():
    sql = (
        "-- chatkeep:no-transaction\n\n"
        "  --  chatkeep:allow index-locks-writes  the table is small \r\n"
        "create index i on t (a);--> statement-breakpoint\n"
        "-- chatkeep:batch key=id size=500\nupdate t set a = 1"
    )
    assert directives(sql) == (
        Directive("no-transaction", "", 1),
        Directive("allow", "index-locks-writes  the table is small", 3),
        Directive("batch", "key=id size=500", 5),
    )


@pytest.mark.parametrize(
    "sql",
    [
        "select 1; -- chatkeep:no-transaction",
        "select '\n-- chatkeep:no-transaction\n'",
        "do $$\n-- chatkeep:no-transaction\nbegin end $$",
        "/*\n-- chatkeep:no-transaction\n*/",
        "-- see chatkeep:no-transaction",
        "-- chatkeep: no-transaction",
        "-- Chatkeep:no-transaction",
        "",
    ],
)
def test_what_only_looks_like_a_directive_is_none(sql):
    assert directives(sql) == ()


def test_byte_order_mark_hides_no_directive():
    assert directives("\ufeff-- chatkeep:no-transaction\nvacuum")[0].word == "no-transaction"
