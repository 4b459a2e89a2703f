"""Types of PostgreSQL as types of SQLAlchemy and of Python."""

import re
from dataclasses import dataclass

from chatkeep.kit.pulling.layout import text

_PARTS = re.compile(r"(?P<base>[a-z][a-z0-9 ]*?)(?:\((?P<mods>[\d,-]+)\))?(?P<rest>[a-z ]*)\Z")


@dataclass(frozen=True, slots=True)
class Known:
    """A type as it is written in the module.

    Attributes:
        sql: The expression of its SQLAlchemy type.
        python: The annotation of a value that is there.
    """

    sql: str
    python: str


_PLAIN = {
    "text": Known("sa.Text", "str"),
    "character varying": Known("sa.String", "str"),
    "smallint": Known("sa.SmallInteger", "int"),
    "integer": Known("sa.Integer", "int"),
    "bigint": Known("sa.BigInteger", "int"),
    "boolean": Known("sa.Boolean", "bool"),
    "numeric": Known("sa.Numeric", "decimal.Decimal"),
    "real": Known("sa.REAL", "float"),
    "double precision": Known("sa.Double", "float"),
    "date": Known("sa.Date", "dt.date"),
    "timestamp without time zone": Known("sa.TIMESTAMP", "dt.datetime"),
    "timestamp with time zone": Known("sa.TIMESTAMP(timezone=True)", "dt.datetime"),
    "time without time zone": Known("sa.TIME", "dt.time"),
    "time with time zone": Known("sa.TIME(timezone=True)", "dt.time"),
    "interval": Known("sa.Interval", "dt.timedelta"),
    "bytea": Known("sa.LargeBinary", "bytes"),
    "uuid": Known("sa.Uuid()", "uuid.UUID"),
    "json": Known("sa.JSON", "Any"),
    "jsonb": Known("pg.JSONB", "Any"),
    "inet": Known("pg.INET", "Any"),
    "cidr": Known("pg.CIDR", "Any"),
    "macaddr": Known("pg.MACADDR", "Any"),
    "macaddr8": Known("pg.MACADDR8", "Any"),
    "tsvector": Known("pg.TSVECTOR", "str"),
    "tsquery": Known("pg.TSQUERY", "str"),
    "int4range": Known("pg.INT4RANGE", "pg.Range[int]"),
    "int8range": Known("pg.INT8RANGE", "pg.Range[int]"),
    "numrange": Known("pg.NUMRANGE", "pg.Range[decimal.Decimal]"),
    "daterange": Known("pg.DATERANGE", "pg.Range[dt.date]"),
    "tsrange": Known("pg.TSRANGE", "pg.Range[dt.datetime]"),
    "tstzrange": Known("pg.TSTZRANGE", "pg.Range[dt.datetime]"),
}


def known_type(name: str) -> Known:
    """Give the type for PostgreSQL's words; `PgType` with the same words where there is none."""
    if name.endswith("[]"):
        element = known_type(name.removesuffix("[]"))
        return array_of(element)
    if name in _PLAIN:
        return _PLAIN[name]
    found = _PARTS.match(name)
    mods = found["mods"] if found else None
    if found and mods:
        known = _modified(f"{found['base']}{found['rest']}", mods)
        if known is not None:
            return known
    return Known(f"PgType({text(name)})", "Any")


def array_of(element: Known, *, typed: bool = False) -> Known:
    """Give the array; PostgreSQL keeps no number of dimensions.

    Args:
        element: Its elements.
        typed: Say their Python type, where SQLAlchemy's type does not.
    """
    python = "Any" if element.python == "Any" else f"list[{element.python}]"
    return Known(f"sa.ARRAY{f'[{element.python}]' if typed else ''}({element.sql})", python)


_MODIFIED = {
    "character varying": ("sa.String({})", "str"),
    "character": ("sa.CHAR({})", "str"),
    "numeric": ("sa.Numeric({})", "decimal.Decimal"),
    "timestamp without time zone": ("pg.TIMESTAMP(precision={})", "dt.datetime"),
    "timestamp with time zone": ("pg.TIMESTAMP(timezone=True, precision={})", "dt.datetime"),
    "time without time zone": ("pg.TIME(precision={})", "dt.time"),
    "time with time zone": ("pg.TIME(timezone=True, precision={})", "dt.time"),
    "interval": ("pg.INTERVAL(precision={})", "dt.timedelta"),
    "bit": ("pg.BIT({})", "Any"),
    "bit varying": ("pg.BIT({}, varying=True)", "Any"),
}


def _modified(base: str, mods: str) -> Known | None:
    found = _MODIFIED.get(base)
    if found is None or "-" in mods:
        return None
    return Known(found[0].format(mods.replace(",", ", ")), found[1])
