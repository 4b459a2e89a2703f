"""One change each, by theme, written from PostgreSQL's documentation of each command."""

from itertools import chain

from kit.plan.cases import (
    columns,
    comments,
    constraints,
    indexes,
    newer,
    partitions,
    privileges,
    programs,
    replication,
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
        newer.CASES,
        partitions.CASES,
        privileges.CASES,
        programs.CASES,
        replication.CASES,
        comments.CASES,
    )
)
