"""Settings of the server and the database that lose data, or let one session hold up all."""

from collections.abc import Sequence

from chatkeep.doctor.check import Check
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place
from chatkeep.kit.plan.quoting import ident

# What a session begins with here: the checks set time-outs of their own.
_SETTING = "select reset_val::text from pg_catalog.pg_settings where name = $1"
_ZONE = """
select s.reset_val::text, bool_and(moment at time zone 'UTC' = moment at time zone s.reset_val)
from pg_catalog.pg_settings s,
  (values (timestamptz '2000-01-01Z'), (timestamptz '2000-07-01Z')) m (moment)
where s.name = 'TimeZone' group by 1
"""
_COLLATION = """
select datcollversion::text, pg_catalog.pg_database_collation_actual_version(oid)::text
from pg_catalog.pg_database where datname = current_database()
"""
# What CONCURRENTLY leaves out. Texts of the catalog itself are sorted by bytes, whatever the collation.
_EXCLUDING = """
select n.nspname::text, c.relname::text from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where i.indisexclusion and c.relkind = 'i' and n.nspname !~ '^pg_' order by 1, 2
"""
_EXTENSIONS = """
select e.extname::text, e.extversion::text, a.default_version::text
from pg_catalog.pg_extension e
join pg_catalog.pg_available_extensions a on a.name = e.extname
where a.default_version <> e.extversion order by 1
"""
_WAITS = {
    "idle_in_transaction_session_timeout": ("10min", "stay idle inside a transaction"),
    "lock_timeout": ("30s", "wait for a lock"),
}


async def _value(place: Place, name: str) -> str:
    return str((await place.fetch(_SETTING, name))[0][0])


async def _durability(place: Place) -> Sequence[Found]:
    found: list[Found] = []
    for name in ("fsync", "full_page_writes"):
        if await _value(place, name) == "off":
            mend = f"ALTER SYSTEM SET {name} = on;\nSELECT pg_reload_conf();"
            found.append(Found(f"setting {name}", "It is off.", mend))
    if await _value(place, "synchronous_commit") == "off":
        message = "It is off: a crash loses what was committed in the last moments."
        mend = f"ALTER DATABASE {ident(place.database)} SET synchronous_commit = on;"
        found.append(Found("setting synchronous_commit", message, mend, severity=Severity.NOTE))
    return found


async def _waits(place: Place) -> Sequence[Found]:
    found: list[Found] = []
    for name, (length, what) in _WAITS.items():
        if await _value(place, name) == "0":
            mend = f"ALTER DATABASE {ident(place.database)} SET {name} = '{length}';"
            message = f"A session may {what} for ever."
            found.append(Found(f"setting {name}", message, mend))
    return found


async def _zone(place: Place) -> Sequence[Found]:
    zone, is_utc = (await place.fetch(_ZONE))[0]
    if is_utc:
        return []
    mend = f"ALTER DATABASE {ident(place.database)} SET timezone = 'UTC';"
    return [Found("setting TimeZone", f"It is {zone}.", mend)]


async def _encoding(place: Place) -> Sequence[Found]:
    encoding = await _value(place, "server_encoding")
    if encoding == "UTF8":
        return []
    name = ident(f"{place.database}_utf8")
    return [
        Found(
            f"database {place.database}",
            f"Its encoding is {encoding}, and cannot be changed; the command makes another database, "
            "into which pg_dump's output goes.",
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';",
        )
    ]


async def _collation(place: Place) -> Sequence[Found]:
    noted, actual = (await place.fetch(_COLLATION))[0]
    if noted is None or actual is None or noted == actual:
        return []
    database = ident(place.database)
    excluding = [f"REINDEX INDEX {ident(*row)};" for row in await place.fetch(_EXCLUDING)]
    commands = [
        f"REINDEX (CONCURRENTLY) DATABASE {database};",
        *excluding,
        f"ALTER DATABASE {database} REFRESH COLLATION VERSION;",
    ]
    locks = " REINDEX INDEX, for what cannot be built so, does not." if excluding else ""
    return [
        Found(
            f"database {place.database}",
            f"Its texts were sorted by version {noted} of the collation, and the server has "
            f"{actual}. CONCURRENTLY lets others write meanwhile.{locks}",
            "\n".join(commands),
        )
    ]


async def _extensions(place: Place) -> Sequence[Found]:
    return [
        Found(
            f"extension {ident(name)}",
            f"It is of version {there}, and the server has {newest}.",
            f"ALTER EXTENSION {ident(name)} UPDATE;",
        )
        for name, there, newest in await place.fetch(_EXTENSIONS)
    ]


CHECKS = (
    Check(
        "durability-off",
        Severity.ERROR,
        "A crash of the machine can destroy the whole database.",
        _durability,
    ),
    Check(
        "unbounded-waits",
        Severity.NOTE,
        "One forgotten session can hold up every other one until somebody notices.",
        _waits,
    ),
    Check(
        "timezone-not-utc",
        Severity.NOTE,
        "Days and times without a zone mean something else to sessions with another setting.",
        _zone,
    ),
    Check(
        "encoding-not-utf8",
        Severity.ERROR,
        "Most of the world's texts, and every emoji, cannot be stored.",
        _encoding,
    ),
    Check(
        "collation-version",
        Severity.ERROR,
        "Indexes sorted by another rule miss rows, and unique ones let the same value in twice.",
        _collation,
    ),
    Check(
        "extension-behind",
        Severity.NOTE,
        "Its functions are those of an older version, without what was mended since.",
        _extensions,
    ),
)
