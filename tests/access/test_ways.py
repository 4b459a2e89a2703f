"""In CI every statement is sent on 15 and behind PgBouncer too: see tests/fixtures/ways.py."""

import pytest

from fixtures.ways import CANDIDATES, WRITE, file_of, listed, missing

ANEW = "CHATKEEP_WRITE_WAYS=1 ./dev test FILES, those of tests/access that send these"


@pytest.mark.skipif(WRITE, reason="the list is being written")
def test_the_sample_of_the_other_ways_sends_each_statement(request: pytest.FixtureRequest) -> None:
    candidates = request.config.stash[CANDIDATES]
    gone, unnamed = missing(candidates)
    assert not unnamed, f"{ANEW}: {sorted(unnamed)}"
    if {file_of(test) for test in candidates} >= {file_of(t) for t in listed() if "::" in t}:
        assert not gone, f"{ANEW}: {sorted(gone)}"
