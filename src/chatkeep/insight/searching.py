"""Why a search found what it found: the query as it was read, what the index was asked, the plan."""

import re
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import msgspec

from chatkeep.access.search import Search
from chatkeep.access.search_clauses import Order
from chatkeep.access.search_terms import Term, read_query
from chatkeep.database import Database
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.inputs.search import SearchFilter
from chatkeep.presets.deepsearch.searching import KEY

AnyDatabase: TypeAlias = Database[Any, Any, Any, Any]
Kind: TypeAlias = Literal["word", "phrase", "prefix", "characters"]

_EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) "
_LEXEME = re.compile(r"(!?)'([^']*)'(:\*)?")


class ReadTerm(msgspec.Struct):
    """A part of a query as it was read.

    Attributes:
        typed: As it stands in the query, in small letters.
        kind: A word; several beside each other; the beginning of a word; characters of a script
            without spaces.
        excluded: What has it is left out.
        tokens: What it was folded to.
        checked: Whether texts are looked at too, since the index alone cannot tell.
    """

    typed: str
    kind: Kind
    excluded: bool
    tokens: list[str]
    checked: bool


class Lexeme(msgspec.Struct):
    """What the index is asked for.

    Attributes:
        text: The word or pair of characters, folded.
        prefix: Whether it may go on.
        excluded: Whether it must not be there.
    """

    text: str
    prefix: bool
    excluded: bool


class ReadQuery(msgspec.Struct):
    """A query as it was read.

    Attributes:
        terms: Its parts; all that are not excluded must be there.
        lexemes: What the index is asked for.
        owner: What each lexeme begins with in the index: the key of the user, so that no other
            user's postings are read.
    """

    terms: list[ReadTerm]
    lexemes: list[Lexeme]
    owner: str


def explain_query(user_id: str, query: str) -> ReadQuery:
    """Tell how a query is read.

    Raises:
        InvalidInputError: The query has no word to search for, or is too long.
    """
    terms = read_query(query)
    asked = _LEXEME.findall(terms.tsquery(user_id))
    lexemes = [Lexeme(text[KEY:], bool(prefix), bool(without)) for without, text, prefix in asked]
    read = [_read(term) for term in (*terms.wanted, *terms.excluded)]
    return ReadQuery(read, lexemes, asked[0][1][:KEY])


async def explain_search(
    db: AnyDatabase,
    user_id: str,
    query: str,
    *,
    limit: int = 20,
    order: Order = "relevance",
    where: SearchFilter | None = None,
) -> list[str]:
    """Run a search and give PostgreSQL's plan of its very statement, line by line.

    Arguments are those of `db.as_user(user_id).search`, and so are the errors.
    """
    runner, catalogue = db.as_user(user_id).ground
    asked, values, _ = Search(runner, catalogue.search, user_id).asked(query, limit, order, where)
    statement = asked.statement
    explained = replace(
        statement, name="search.explain", sql=_EXPLAIN + statement.sql, is_kept=False
    )
    shape = Shape(str, [Field("", "QUERY PLAN")])
    return await Query(explained, shape).all(runner, values)


def _read(term: Term) -> ReadTerm:
    kind: Kind = "word"
    if term.is_prefix and not term.tokens[-1].is_run:
        kind = "prefix"
    elif len(term.tokens) > 1:
        kind = "phrase"
    elif term.tokens[0].is_run:
        kind = "characters"
    tokens = [token.text for token in term.tokens]
    return ReadTerm(term.typed, kind, term.is_excluded, tokens, term.is_checked)
