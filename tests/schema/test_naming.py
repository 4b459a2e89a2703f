"""Names: Drizzle's where they fit, never longer than PostgreSQL keeps."""

import pytest

from chatkeep.errors import ConfigError
from chatkeep.schema.naming import (
    Naming,
    cut,
    fits,
    plain_name,
    quote_name,
    quote_text,
    short_foreign_key_name,
    shorten,
)


def test_a_foreign_key_is_named_as_drizzle_does():
    assert short_foreign_key_name("a", ["x"], "b", ["id"]) == "a_x_b_id_fk"


def test_a_long_one_loses_the_other_table_first():
    table, other = "ai-app-template_user_settings", "ai-app-template_user"
    name = short_foreign_key_name(table, ["user_id"], other, ["id"])
    assert name == "ai-app-template_user_settings_user_id_fk"


def test_a_very_long_one_ends_in_a_hash_that_keeps_names_apart():
    names = {plain_name("p" * 60, [word], "idx") for word in ("user_id", "chat_id", "user_ids")}
    assert len(names) == 3
    assert all(len(name) == 63 and name.startswith("p" * 54) for name in names)


def test_a_name_is_cut_between_letters_as_postgresql_does():
    assert cut("ä" * 40) == "ä" * 31
    assert fits(shorten("ä" * 40))


def test_a_table_name_that_would_be_cut_is_refused():
    with pytest.raises(ConfigError, match="shorter prefix"):
        Naming("p" * 63).table("x")


def test_quoting_keeps_quotes():
    assert quote_name('a"b') == '"a""b"'
    assert quote_text("it's \\") == "'it''s \\'"
