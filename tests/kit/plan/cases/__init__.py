"""One change each, by theme, written from PostgreSQL's documentation of each command."""

from itertools import chain

from kit.plan.cases import (
    columns,
    comments,
    constraints,
    indexes,
    programs,
    tables,
    types,
)
from kit.plan.cases.case import Case

CASES: list[Case] = list(
    chain(
        tables.CASES,
        columns.CASES,
        constraints.CASES,
        indexes.CASES,
        types.CASES,
        programs.CASES,
        comments.CASES,
    )
)
