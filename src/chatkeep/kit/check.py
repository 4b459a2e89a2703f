"""Whether schema, folder and database agree."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chatkeep.kit.applying.matching import Matching, read_matching
from chatkeep.kit.belonging import belongings
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.differences import differences
from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.soundness import Finding, folder_findings
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.states import course_of_migrations, facts_of_migrations, facts_of_tables
from chatkeep.kit.target import Target
from chatkeep.kit.writing.steps import stages_left

_GENERATE = "Run `chatkeep generate`."
_BY_HAND = "Somebody changed the database by hand: take it back, or make a migration of it."
_LEFT_OVER = "A migration took it away, and yet it is there: drop it, or make a migration of it."


@dataclass(slots=True)
class Checked:
    """What `check` found, and what it says beside.

    Attributes:
        findings: Each is a reason to fail.
        notes: Worth knowing, no reason to fail.
    """

    findings: list[Finding] = field(default_factory=list[Finding])
    notes: list[str] = field(default_factory=list[str])


async def check(
    folder: Folder,
    target: Target,
    scratch: Scratch,
    *,
    url: str | None = None,
    tables_filter: Sequence[str] = (),
) -> Checked:
    """Compare the schema with the folder, and the folder with a database.

    Nothing is written but scratch databases. Of the database only the tables count that the folder
    or the schema knows or that an applied migration took away, and those that a pattern of
    `tables_filter` claims.

    Args:
        folder: The migrations.
        target: The schema.
        scratch: Server for scratch databases.
        url: The database to compare, or None.
        tables_filter: Patterns such as `app_*`.

    Raises:
        MigrationFailedError: A migration of the folder fails on an empty database.
        ConnectionFailedError: No connection to the database, or to the scratch server.
    """
    checked = Checked(folder_findings(folder))
    if folder.format == "1.0":
        checked.notes.append(
            "The folder is of drizzle-kit 1.0: chatkeep applies it and does not write to it."
        )
    wanted = await facts_of_tables(target.state, scratch)
    left = stages_left(folder, target)
    if left:
        names = ", ".join(stage.name for stage in left)
        checked.notes.append(
            f"The upgrade's last part ({names}) is not in the folder yet; `chatkeep generate` "
            "writes it. Until then schema and folder are not compared."
        )
    else:
        replayed = await facts_of_migrations(folder.migrations, scratch)
        checked.findings += [
            Finding("schema", f"{each.told('the folder', 'the schema')}.", _GENERATE)
            for each in differences(replayed, wanted)
        ]
    if url is not None:
        await _check_database(checked, folder, wanted, scratch, (url, tables_filter))
    return checked


async def _check_database(
    checked: Checked,
    folder: Folder,
    wanted: Catalog,
    scratch: Scratch,
    place: tuple[str, Sequence[str]],
) -> None:
    url, patterns = place
    async with connect(url, name="chatkeep check") as connection:
        matching = await read_matching(connection, folder)
        live = await read_catalog(connection)
    checked.findings += _bookkeeping(matching)
    if matching.unknown:
        checked.notes.append(
            f"Rows of the bookkeeping that no migration of this folder accounts for: "
            f"{len(matching.unknown)}; another project may keep its books there."
        )
    gone = (*matching.missing, *matching.broken_off, *matching.half_squashed)
    if gone or matching.half_reversed or matching.of("edited", "redated", "running"):
        return  # what was applied is not what the folder holds: nothing to compare with
    applied = matching.of("applied")
    course = await course_of_migrations(applied, len(applied), scratch)
    ours = belongings(live, (wanted, *course.known), patterns)
    for each in differences(course.goal, ours):
        told = each.told("the applied migrations", "the database")
        left_over = each.found == "extra" and each.object in course.names
        remedy = _LEFT_OVER if left_over else _BY_HAND
        checked.findings.append(Finding("database", f"{told}.", remedy))


def _bookkeeping(matching: Matching) -> list[Finding]:
    def of(messages: Iterable[str], remedy: str) -> list[Finding]:
        return [Finding("database", message, remedy) for message in messages]

    pending = ", ".join(migration.tag for migration in matching.of("pending"))
    half = {migration.tag: lacking for migration, lacking in matching.half_squashed}
    return [
        *of(
            (
                f"{m.label} changed after being applied to the database."
                for m in matching.of("edited")
            ),
            "Bring the old content back, and put the change into a new migration.",
        ),
        *of(
            (f"{m.label} was applied with another date or name." for m in matching.of("redated")),
            "Bring the old date back to the journal, or the old name.",
        ),
        *of(
            (f"{m.label} broke off in the database." for m in matching.of("running")),
            "`chatkeep migrate` brings it to its end.",
        ),
        *of(
            (f"The rollback of {tag} broke off in the database." for tag in matching.half_reversed),
            "`chatkeep rollback` brings it to its end.",
        ),
        *of(
            (
                f"The database has {record.tag}, and the folder does not."
                for record in (*matching.missing, *matching.broken_off)
            ),
            "Bring it back from version control.",
        ),
        *of(
            (
                f"{tag} was squashed from {', '.join(gone)} too, which the database lacks."
                for tag, gone in half.items()
            ),
            "Apply those first, with the folder as it was before it was squashed.",
        ),
        *of([f"Pending in the database: {pending}."] if pending else [], "Run `chatkeep migrate`."),
    ]
