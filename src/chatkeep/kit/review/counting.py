"""Rows of the real database that a condition is true for: how many, and the keys of three."""

from dataclasses import dataclass

from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.review.live import Live
from chatkeep.kit.review.projection import KEY, Projection

SAMPLE = 3
"""How many keys are shown."""

_SETTING = "chatkeep.review"


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found.

    Attributes:
        rows: How many; None where only "at least one" is known.
        keys: Primary keys of up to three.
    """

    rows: int | None
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        amount = (
            "at least one row"
            if self.rows is None
            else f"{self.rows:,} row{'s' * (self.rows != 1)}"
        )
        return f"{amount} (key {'; '.join(self.keys)})" if self.keys else amount


async def count(live: Live, projection: Projection, condition: str, *values: object) -> Counted:
    """Count the rows of a projection, called `t`, for which the condition is true.

    Raises:
        UnansweredError: It took too long, or PostgreSQL refused it.
    """
    rows = f"FROM ({projection.source}) AS t WHERE {condition}"
    return await _counted(live, rows, projection, values)


async def count_same(
    live: Live, projection: Projection, keys: tuple[str, ...], condition: str, *, nulls: bool
) -> Counted:
    """Count the rows that are like another one in `keys`; the first of each kind counts as well.

    Args:
        live: The database.
        projection: The rows.
        keys: Expressions.
        condition: Which rows count at all.
        nulls: Whether NULLs are like each other.

    Raises:
        UnansweredError: It took too long, or PostgreSQL refused it.
    """
    names = [ident(f"chatkeep {number}") for number in range(len(keys))]
    columns = ", ".join(f"({key}) AS {name}" for key, name in zip(keys, names, strict=True))
    some = "true" if nulls else " AND ".join(f"{name} IS NOT NULL" for name in names)
    inner = f"SELECT {KEY}, {columns} FROM ({projection.source}) AS t WHERE {condition}"  # noqa: S608 - names are quoted, expressions are PostgreSQL's own
    window = f"SELECT {KEY}, count(*) OVER (PARTITION BY {', '.join(names)}) AS n FROM ({inner}) AS s WHERE {some}"  # noqa: S608 - the same
    return await _counted(live, f"FROM ({window}) AS w WHERE n > 1", projection, ())


async def _counted(
    live: Live, rows: str, projection: Projection, values: tuple[object, ...]
) -> Counted:
    found = await live.ask(f"SELECT count(*) {rows}", *values)
    total = int(found[0][0])
    if not total or not projection.has_key:
        return Counted(total)
    keys = await live.ask(f"SELECT {KEY} {rows} LIMIT {SAMPLE}", *values)
    return Counted(total, tuple(str(key) for (key,) in keys))


async def count_failing(
    live: Live, projection: Projection, columns: tuple[str, ...], expression: str
) -> Counted:
    """Count the rows for which an expression cannot be computed, trying each by itself.

    Raises:
        UnansweredError: It took too long, or PostgreSQL refused it for another reason.
    """
    values = ", ".join(f"line.{ident(name)} AS {ident(name)}" for name in columns)
    block = f"""
DECLARE
    line record;
    found bigint := 0;
    keys text[] := '{{}}';
BEGIN
    FOR line IN {projection.source} LOOP
        BEGIN
            PERFORM ({expression}) FROM (SELECT {values}) AS t;
        EXCEPTION WHEN data_exception THEN
            found := found + 1;
            IF found <= {SAMPLE} AND line.{KEY} IS NOT NULL THEN
                keys := keys || line.{KEY};
            END IF;
        END;
    END LOOP;
    PERFORM set_config({literal(_SETTING)}, array_to_string(found::text || keys, chr(1)), true);
END"""
    told = await live.tell(f"DO {literal(block)}", _SETTING)
    amount, *keys = told.split("\1")
    return Counted(int(amount), tuple(keys))
