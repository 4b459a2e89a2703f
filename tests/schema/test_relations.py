"""Relations: what foreign keys give by themselves, and what a schema declares."""

from typing import ClassVar

import pytest
from examples.extending.app_schema import AppSchema
from sqlalchemy import Column, Identity, Integer, Named, String, Text, TypedColumns

from chatkeep.errors import ConfigError
from chatkeep.presets import deepsearch, maps
from chatkeep.schema import schema as base
from chatkeep.schema.parts import expression_index, foreign_key, primary_key, unique
from chatkeep.schema.relations import Declarations, Relation, many, one
from chatkeep.schema.tables import TableDef

# Section 4.2 of the seed: users has many accounts, sessions, chats; and so on.
SEED_LIST = {
    ("users", "accounts", "many", "accounts"),
    ("users", "sessions", "many", "sessions"),
    ("users", "chats", "many", "chats"),
    ("accounts", "user", "one", "users"),
    ("sessions", "user", "one", "users"),
    ("chats", "user", "one", "users"),
    ("chats", "messages", "many", "messages"),
    ("messages", "chat", "one", "chats"),
}
# What a conversation has beside its messages.
CONVERSATIONS = {
    ("users", "message_usage", "many", "message_usage"),
    ("message_usage", "user", "one", "users"),
    ("chats", "chat_shares", "many", "chat_shares"),
    ("chat_shares", "chat", "one", "chats"),
    ("chats", "running_answers", "one", "running_answers"),
    ("running_answers", "chat", "one", "chats"),
    ("running_answers", "message", "one", "messages"),
    ("messages", "running_answers", "one", "running_answers"),
    ("messages", "message_feedback", "one", "message_feedback"),
    ("message_feedback", "message", "one", "messages"),
    ("messages", "message_chunks", "many", "message_chunks"),
    ("message_chunks", "message", "one", "messages"),
}
EVENTS = {
    ("users", "search_events", "many", "search_events"),
    ("search_events", "user", "one", "users"),
}
# The seed has this foreign key too, and says nothing of it in 4.2.
SETTINGS = {
    ("users", "user_settings", "one", "user_settings"),
    ("user_settings", "user", "one", "users"),
}


def listed(schema: base.Schema) -> set[tuple[str, str, str, str]]:
    return {
        (table, name, relation.kind, relation.target)
        for table, relations in schema.relations.items()
        for name, relation in relations.items()
    }


def test_deepsearch_has_the_relations_of_the_seed() -> None:
    assert listed(deepsearch.schema(edition="seed")) == SEED_LIST | SETTINGS
    assert listed(deepsearch.schema()) == SEED_LIST | SETTINGS | CONVERSATIONS | EVENTS


@pytest.mark.parametrize("edition", ["hardened", "seed"])
def test_maps_has_users_with_what_they_sign_in_with(edition: str) -> None:
    accounts = {("users", "accounts", "many", "accounts"), ("accounts", "user", "one", "users")}
    sessions = {("users", "sessions", "many", "sessions"), ("sessions", "user", "one", "users")}
    expected = sessions if edition == "seed" else sessions | accounts
    assert listed(maps.schema(edition=edition)) == expected


def test_a_key_of_two_columns_is_compared_in_both() -> None:
    relations = deepsearch.schema().relations
    pairs = (("user_id", "user_id"), ("id", "chat_id"))
    assert relations["chats"]["messages"] == Relation(
        "messages", "many", "chats", "messages", pairs, is_nullable=False
    )
    back = (("user_id", "user_id"), ("chat_id", "id"))
    assert relations["messages"]["chat"].columns == back
    assert relations["users"]["user_settings"].is_nullable
    assert not relations["user_settings"]["user"].is_nullable


def test_an_applications_own_table_has_its_relations() -> None:
    assert listed(AppSchema(prefix="x_")) == SEED_LIST | SETTINGS | CONVERSATIONS | EVENTS | {
        ("users", "itineraries", "many", "itineraries"),
        ("itineraries", "user", "one", "users"),
    }


class ReviewColumns(TypedColumns):
    id: Named[int] = Column(Integer, Identity(), primary_key=True)
    author_id: Named[str] = Column(String(255))
    reviewer_id: Named[str | None] = Column(String(255))


class TopicColumns(TypedColumns):
    id: Named[int] = Column(Integer, Identity(), primary_key=True)
    parent_id: Named[int | None] = Column(Integer)


def to_users(column: str):
    return foreign_key(column, references="users", on_delete="cascade")


REVIEWS = TableDef("review", ReviewColumns, (to_users("author_id"), to_users("reviewer_id")))
TOPICS = TableDef(
    "topic", TopicColumns, (foreign_key("parent_id", references="topics", on_delete="cascade"),)
)


def test_two_keys_to_one_table_are_clear_by_column_and_declared_on_the_other_side() -> None:
    class ReviewSchema(deepsearch.Schema):
        reviews = REVIEWS

    relations = ReviewSchema().relations
    assert relations["reviews"].keys() == {"author", "reviewer"}
    assert not relations["reviews"]["author"].is_nullable
    assert relations["reviews"]["reviewer"].is_nullable
    assert "reviews" not in relations["users"]
    with pytest.raises(ConfigError, match=r"many.'reviews', foreign_key='reviewer_id'"):
        relations.find("users", "reviews")
    assert relations.find("users", "nonesuch") is None


def test_declared_relations_add_to_the_base_and_to_what_is_derived() -> None:
    class ReviewSchema(deepsearch.Schema):
        reviews = REVIEWS
        declared_relations: ClassVar[Declarations] = {
            "users": {"written": many("reviews", foreign_key="author_id")},
            "reviews": {"checker": one("users", foreign_key=("reviewer_id",))},
        }

    class Wider(ReviewSchema):
        declared_relations: ClassVar[Declarations] = {
            "users": {"reviews": many("reviews", foreign_key="reviewer_id")}
        }

    found = Wider().relations
    assert found["users"]["written"].columns == (("id", "author_id"),)
    assert found["users"]["reviews"].columns == (("id", "reviewer_id"),)
    assert found["users"]["chats"].kind == "many"
    assert found["reviews"]["checker"].is_nullable
    assert "reviews" not in ReviewSchema().relations["users"]


def test_a_table_that_refers_to_itself_has_a_parent_and_declared_children() -> None:
    class Plain(base.Schema):
        topics = TOPICS

    class Tree(Plain):
        declared_relations: ClassVar[Declarations] = {
            "topics": {"children": many("topics", foreign_key="parent_id")}
        }

    assert Plain().relations["topics"].keys() == {"parent"}
    with pytest.raises(ConfigError, match=r"many.'topics', foreign_key='parent_id'"):
        Plain().relations.find("topics", "topics")
    topics = Tree().relations["topics"]
    assert topics["parent"].columns == (("parent_id", "id"),)
    assert topics["children"].columns == (("id", "parent_id"),)
    assert topics["children"].kind == "many"


class ProfileColumns(TypedColumns):
    owner: Named[str] = Column(String(255), primary_key=True)
    badge: Named[str | None] = Column(Text)


def test_a_unique_key_gives_one_at_most_and_a_column_without_id_the_tables_name() -> None:
    class ProfileSchema(deepsearch.Schema):
        profiles = TableDef("profile", ProfileColumns, (to_users("owner"),))
        badges = TableDef("badge", ProfileColumns, (to_users("badge"), unique("badge")))

    relations = ProfileSchema().relations
    assert relations["users"]["profiles"].kind == "one"
    assert relations["users"]["profiles"].is_nullable
    assert relations["profiles"]["user"].kind == "one"
    assert relations["users"]["badges"].kind == "one"
    assert relations["badges"]["user"].is_nullable


def test_a_unique_expression_says_nothing_of_the_column() -> None:
    class LogSchema(deepsearch.Schema):
        logs = TableDef(
            "log",
            ReviewColumns,
            (
                to_users("author_id"),
                expression_index("x", lambda t: t.c.author_id + t.c.id, is_unique=True),
            ),
        )

    assert LogSchema().relations["users"]["logs"].kind == "many"


class ClashColumns(TypedColumns):
    id: Named[int] = Column(Integer, primary_key=True)
    user_id: Named[str] = Column(String(255))
    user: Named[str] = Column(Text)


def test_a_column_goes_before_a_derived_relation_of_its_name() -> None:
    class ClashSchema(deepsearch.Schema):
        clashes = TableDef("clash", ClashColumns, (to_users("user_id"),))

    assert ClashSchema().relations["clashes"] == {}
    assert ClashSchema().relations["users"]["clashes"].kind == "many"


class LinkColumns(TypedColumns):
    a_id: Named[str] = Column(String(255))
    user_id: Named[str] = Column(String(255))


def test_a_part_of_a_key_is_not_unique() -> None:
    class LinkSchema(deepsearch.Schema):
        links = TableDef("link", LinkColumns, (to_users("user_id"), primary_key("a_id", "user_id")))

    assert LinkSchema().relations["users"]["links"].kind == "many"


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"nonesuch": {"x": many("reviews", foreign_key="author_id")}}, "no table `nonesuch`"),
        ({"users": {"x": many("nonesuch", foreign_key="author_id")}}, "no table `nonesuch`"),
        ({"users": {"x": many("reviews", foreign_key="nonesuch")}}, "no foreign key .nonesuch"),
        ({"users": {"email": many("reviews", foreign_key="author_id")}}, "a column has that name"),
        ({"users": {"x": one("reviews", foreign_key="author_id")}}, "there can be many"),
        ({"reviews": {"x": many("users", foreign_key="author_id")}}, "one at most"),
        ({"chats": {"x": many("reviews", foreign_key="author_id")}}, "no foreign key"),
    ],
)
def test_a_wrong_declaration_is_refused_at_the_class(declared: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        type("Wrong", (deepsearch.Schema,), {"reviews": REVIEWS, "declared_relations": declared})
