"""From a live database to a schema module and the first migration, proved to give it back."""

import asyncio
import importlib.util
import re
import sys
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from chatkeep.errors import (
    ConfigError,
    MigrationError,
    MigrationsFolderError,
    ProofFailedError,
    UnmodelledObjectError,
)
from chatkeep.kit.build import build
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Key
from chatkeep.kit.catalog.ownership import owned
from chatkeep.kit.catalog.tables import Table
from chatkeep.kit.connection import where
from chatkeep.kit.differences import differences
from chatkeep.kit.folder.reading import Folder
from chatkeep.kit.generate import Options as GenerateOptions
from chatkeep.kit.generate import generate
from chatkeep.kit.patterns import claims
from chatkeep.kit.plan.guard import accepted
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.pulling.division import Division, divide
from chatkeep.kit.pulling.module import Extras, before_tables, module_source
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.states import facts_of_database, facts_of_migrations
from chatkeep.kit.target import Target, target_of
from chatkeep.kit.writing.dumping import dump_schema

SEED_PREFIX = "ai-app-template_"
"""Of the tables in the seed's project; no part of what a table is called in Python."""

_ROUNDS = 8  # each takes out of the tables what SQLAlchemy turned out to say in another way


@dataclass(frozen=True, slots=True)
class Options:
    """What to pull, and where to.

    Attributes:
        out: The module to write.
        tables: Patterns of the tables and views that are yours, such as `app_*` or `auth.*`; all
            of them without any.
        accept: Kinds that are left out, such as `grant` or `rule`.
        force: Write over a module that is there.
        pg_dump: The program, for a second opinion on a whole database; not older than the server.
    """

    out: Path
    tables: Sequence[str] = ()
    accept: Collection[str] = ()
    force: bool = False
    pg_dump: Path | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was written.

    Attributes:
        module: The schema module.
        migrations: The first migration; empty where the folder already led to the database.
        tables: How many tables SQLAlchemy says.
        extras: Kind and name of what is told in SQL.
    """

    module: Path
    migrations: tuple[Path, ...]
    tables: int
    extras: tuple[tuple[str, str], ...]


async def pull(url: str, folder: Path, scratch: Scratch, options: Options) -> Pulled:
    """Write a module of tables, and the first migration, that make the database anew.

    The module is built on a scratch database and compared with the live one before anything is
    written; the migration is proved as `generate` proves it. The live database is only read.

    Args:
        url: The database.
        folder: The migrations folder; made when absent. With migrations in it that lead to the
            database, no other is written.
        scratch: Server for scratch databases, best of the database's major version.
        options: What to pull, and where to.

    Raises:
        ConfigError: The module is there already, or cannot be written.
        UnmodelledObjectError: The database holds what neither SQLAlchemy nor the diff can say.
        MigrationError: What is yours needs what the patterns leave out.
        MigrationsFolderError: The folder's migrations lead elsewhere.
        ProofFailedError: What was built differs from the database.
        ConnectionFailedError: No connection to the database, or to the scratch server.
    """
    if options.out.is_dir():
        raise ConfigError(f"{options.out} is a folder.", hint="Give a file as --out.")
    if options.out.exists() and not options.force:
        raise ConfigError(
            f"{options.out} is there already.", hint="Give another --out, or --force to replace it."
        )
    live = _ours(await facts_of_database(url), options)
    division, extras = await _explain(live, scratch, options)
    source = module_source(
        live, division, extras, title=_title(url), prefixes=_prefixes(options.tables)
    )
    target = await _proved(source, live, url, scratch, options)
    old = await asyncio.to_thread(Folder.read, folder, create=True)
    if old.migrations:
        await _refuse_other(old, live, scratch)
    part = await asyncio.to_thread(_write_aside, options.out, source)
    try:
        written: tuple[Path, ...] = ()
        if not old.migrations:
            named = GenerateOptions("initial_schema")
            written = (await generate(folder, target, scratch, named)).paths
        part.replace(options.out)
    finally:
        part.unlink(missing_ok=True)
    told = [*extras.before, *extras.after]
    tables = sum(isinstance(live.facts[key], Table) for key in division.tables)
    return Pulled(options.out, written, tables, tuple((s.kind, s.object) for s in told))


def _ours(live: Catalog, options: Options) -> Catalog:
    """Keep what is the caller's, and refuse what cannot be said."""
    mine = live
    if options.tables:
        mine = owned(live, claims(options.tables))
        mine = replace(mine, unmodelled=tuple(u for u in mine.unmodelled if u.table is not None))
        _refuse_left_out(live, mine)
    mine = _without(mine, options.accept)
    names = sorted(f"{thing.kind} {thing.name}" for thing in mine.unmodelled)
    if names:
        kinds = sorted({thing.kind for thing in mine.unmodelled})
        shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        raise UnmodelledObjectError(
            f"A schema cannot say these objects of the database: {shown}.",
            hint=f'Leave them out with --accept "{kinds[0]}" (for each kind), or pick --tables.',
        )
    return mine


def _without(catalog: Catalog, kinds: Collection[str]) -> Catalog:
    unmodelled = tuple(thing for thing in catalog.unmodelled if thing.kind not in kinds)
    return replace(accepted(catalog, kinds), unmodelled=unmodelled)


def _refuse_left_out(live: Catalog, mine: Catalog) -> None:
    """Refuse a foreign key, a view or the like that needs a stranger's table."""
    missing = sorted(
        f"{key} needs {need}"
        for key in mine.facts
        for need in live.depends.get(key, ())
        if need in live.facts and need not in mine.facts
    )
    if missing:
        raise MigrationError(
            f"The patterns leave out what yours needs: {'; '.join(missing[:10])}.",
            hint="Add a pattern for it.",
        )


async def _explain(live: Catalog, scratch: Scratch, options: Options) -> tuple[Division, Extras]:
    """Build the tables alone and let the planner say what is missing."""
    unsayable: set[Key] = set()
    wrong: set[Key] = set()
    for _ in range(_ROUNDS):
        division = divide(live, unsayable)
        before = before_tables(live, division)
        source = module_source(live, division, Extras(before), title="Tables alone.")
        async with scratch.database() as url:
            await build(url, load(source).state)
            built = await facts_of_database(url)
        statements = plan(built, live, allow_drops=True, accept=options.accept)
        gone = {(s.kind, s.object) for s in statements if s.action == "drop"}
        wrong = {key for key in built.facts if (key.kind.value, _dotted(key)) in gone}
        if not wrong:
            return division, Extras(before, statements)
        unsayable |= wrong
    raise ProofFailedError(
        f"The tables cannot be told: {', '.join(map(str, sorted(wrong)))}.", hint=_HINT
    )


def _dotted(key: Key) -> str:
    return ".".join(part for part in key.path if part)


async def _proved(
    source: str, live: Catalog, url: str, scratch: Scratch, options: Options
) -> Target:
    """Build the module and compare the result with the database."""
    target = load(source)
    async with scratch.database() as built_url:
        await build(built_url, target.state)
        built = await facts_of_database(built_url)
        built = _without(built, options.accept)
        faults = [f"{d.object} is {d.found}" for d in differences(live, built)]
        whole = not options.tables and not options.accept
        if not faults and whole and options.pg_dump is not None and built.version == live.version:
            dumps = [await _dumped(options.pg_dump, each) for each in (url, built_url)]
            faults = sorted(dumps[0] ^ dumps[1])
    if faults:
        version = "" if built.version == live.version else _OTHER_VERSION
        raise ProofFailedError(
            f"The module does not make the same database: {'; '.join(faults[:20])}.",
            hint=version or _HINT,
        )
    return target


async def _dumped(program: Path, url: str) -> set[str]:
    """Give what pg_dump says; the order in which storage parameters were set means nothing."""
    blocks = await dump_schema(program, url, ignore=("drizzle", "chatkeep"))
    return {_OPTIONS.sub(_sorted, block) for block in blocks}


_OPTIONS = re.compile(r"\bWITH \(([^()]*)\)")


def _sorted(found: re.Match[str]) -> str:
    return f"WITH ({', '.join(sorted(found[1].split(', ')))})"


_HINT = "This is a fault of chatkeep; please report it with `pg_dump --schema-only`."
_OTHER_VERSION = "Give a --scratch-url of the database's own major version."


def load(source: str) -> Target:
    """Run the source of a module and give its `schema`."""
    name = f"chatkeep_pulled_{uuid4().hex}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ProofFailedError("The module cannot be loaded.", hint=_HINT)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # SQLAlchemy looks annotations up there
        try:
            spec.loader.exec_module(module)
        finally:
            del sys.modules[name]
    return target_of(module.schema, "the pulled module")


async def _refuse_other(folder: Folder, live: Catalog, scratch: Scratch) -> None:
    replayed = await facts_of_migrations(folder.migrations, scratch)
    found = differences(replayed, live)
    if found:
        said = ", ".join(each.object for each in found[:5])
        raise MigrationsFolderError(
            f"{folder.path} holds migrations that do not lead to this database: {said}.",
            hint="Compare them with `chatkeep check`, or set another `migrations` folder.",
        )


def _title(url: str) -> str:
    name = where(url).rpartition("/")[2]
    plain = "".join(mark for mark in name if mark.isalnum() or mark in "-_.")
    return f"The tables of the database {plain}, as `chatkeep pull` found them."


def _prefixes(patterns: Sequence[str]) -> tuple[str, ...]:
    """Give what names of variables leave out: what the patterns begin with, and the seed's."""
    found = [p.removesuffix("*") for p in patterns if p.endswith("*")]
    return (*(prefix for prefix in found if prefix and not set(prefix) & set("*?[].")), SEED_PREFIX)


def _write_aside(out: Path, source: str) -> Path:
    part = out.with_name(f".{out.name}.{uuid4().hex[:8]}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(source, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(
            f"{out} cannot be written: {exc.strerror}.", hint="Give another --out."
        ) from exc
    return part
