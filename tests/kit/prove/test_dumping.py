"""How pg_dump is called."""

import pytest

from chatkeep.kit.writing.dumping import dump_schema


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("postgresql://ann:s%20cret@h/db", "postgresql://ann@h/db"),
        (
            "postgresql:///db?user=ann&password=s%20cret&host=/tmp",
            "postgresql:///db?user=ann&host=/tmp",
        ),
        ("postgresql://ann@h/db?pass%77ord=s%20cret", "postgresql://ann@h/db"),
        ("postgresql://ann:s%20cret@h/db?password=other", "postgresql://ann@h/db"),
    ],
)
async def test_password_is_not_among_the_arguments(tmp_path, url, plain):
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\nprintf "%s;\\n\\n" "$@" "password $PGPASSWORD"\n')
    program.chmod(0o755)
    told = await dump_schema(program, url)
    assert plain in told
    assert "password s cret" in told
    assert not [line for line in told if "cret" in line and line != "password s cret"]
    assert not [line for line in told if "other" in line]
