"""Every rule of the review: its id, how grave it is at most, what it is about, the safe form.

Each has a page `docs/rules/<id>.md`; a test compares the two.
"""

from chatkeep.kit.review.finding import Severity
from chatkeep.kit.review.lock_rules import LOCK_RULES
from chatkeep.kit.review.rule import Rule

_DANGER, _WARNING, _NOTE = Severity.DANGER, Severity.WARNING, Severity.NOTE

_CODE = (
    Rule(
        "table-dropped",
        "code",
        _DANGER,
        "a table goes, with its rows",
        "Release code that no longer uses it first; drop it in a later release.",
    ),
    Rule(
        "column-dropped",
        "code",
        _DANGER,
        "a column goes, with its values",
        "Release code that no longer names it first; drop it in a later release.",
    ),
    Rule(
        "object-dropped",
        "code",
        _WARNING,
        "a view, function, type, sequence or schema goes",
        "Release code that no longer uses it first; drop it in a later release.",
    ),
    Rule(
        "table-renamed",
        "code",
        _DANGER,
        "a table gets another name while code uses the old one",
        "Keep the old name until no code uses it: a view of the old name over the renamed table does.",
    ),
    Rule(
        "column-renamed",
        "code",
        _DANGER,
        "a column gets another name while code uses the old one",
        "Add the new column, write both, fill it, let code read it, then drop the old one.",
    ),
    Rule(
        "object-renamed",
        "code",
        _WARNING,
        "a view, function, type, schema or enum value gets another name",
        "Make the new one beside the old one; drop the old one when no code uses it.",
    ),
    Rule(
        "column-type-changed",
        "code",
        _WARNING,
        "a column holds values of another type than code expects",
        "Add a column of the new type beside it and let code move over, then drop the old one.",
    ),
    Rule(
        "required-column",
        "code",
        _DANGER,
        "code that does not know a column cannot insert any more",
        "Give the column a default, or let it be NULL until all code writes it.",
    ),
    Rule(
        "default-dropped",
        "code",
        _WARNING,
        "a required column loses its default",
        "Drop the default when all code writes the column.",
    ),
    Rule(
        "unique-dropped",
        "code",
        _WARNING,
        "nothing keeps these columns unique any more",
        "Release code without ON CONFLICT on these columns first.",
    ),
)

_DATA = (
    Rule(
        "truncates",
        "data",
        _DANGER,
        "all rows of a table go",
        "Delete the rows that may go, in batches, by a condition that names them.",
    ),
    Rule(
        "no-where",
        "data",
        _DANGER,
        "UPDATE or DELETE without WHERE: every row of the table",
        "Say which rows are meant, and mark the statement with `-- chatkeep:batch`.",
    ),
    Rule(
        "nulls-in-column",
        "data",
        _DANGER,
        "a column that becomes NOT NULL holds NULLs",
        "Fill or delete these rows in a migration before.",
    ),
    Rule(
        "duplicates",
        "data",
        _DANGER,
        "rows are not unique by what becomes unique",
        "Merge or delete these rows in a migration before.",
    ),
    Rule(
        "check-breached",
        "data",
        _DANGER,
        "rows break a new check constraint",
        "Mend these rows in a migration before.",
    ),
    Rule(
        "foreign-key-breached",
        "data",
        _DANGER,
        "rows refer to something that is not there",
        "Mend or delete these rows in a migration before.",
    ),
    Rule(
        "cast-fails",
        "data",
        _DANGER,
        "values cannot become the column's new type",
        "Mend these values in a migration before, or write a USING that takes them.",
    ),
    Rule(
        "values-cut",
        "data",
        _DANGER,
        "values lose a part of themselves in the column's new type",
        "Take a type that holds them, or keep the old column until the new one has proved itself.",
    ),
    Rule(
        "enum-value-dropped",
        "data",
        _DANGER,
        "a value of an enum goes",
        "Change the rows that hold it first, and release code that no longer writes it.",
    ),
)

_FORM = (
    Rule(
        "fails",
        "form",
        _DANGER,
        "the migration fails even on empty tables",
        "Mend the statement; `chatkeep migrate` would stop there.",
    ),
    Rule(
        "foreign-key-without-index",
        "form",
        _WARNING,
        "no index serves a foreign key's columns",
        "CREATE INDEX CONCURRENTLY on these columns, in a migration of its own.",
    ),
    Rule(
        "name-too-long",
        "form",
        _WARNING,
        "PostgreSQL cuts a name at 63 bytes",
        "Take a shorter name: a cut one is found under another name than the one written.",
    ),
    Rule(
        "already-there",
        "form",
        _WARNING,
        "IF NOT EXISTS passes over something that is there already",
        "Take the statement out, or give the object a name of its own.",
    ),
    Rule(
        "char-type",
        "form",
        _NOTE,
        "char(n) fills values with spaces",
        "Take text, with a check where the length matters.",
    ),
    Rule(
        "serial-type",
        "form",
        _NOTE,
        "serial makes a sequence with rights of its own",
        "Write GENERATED BY DEFAULT AS IDENTITY.",
    ),
    Rule(
        "small-key",
        "form",
        _NOTE,
        "a key of type integer or smallint runs out",
        "Take bigint: changing it later writes the whole table anew.",
    ),
    Rule(
        "timestamp-without-zone",
        "form",
        _NOTE,
        "a time without zone means another moment to each session",
        "Take timestamp with time zone.",
    ),
    Rule(
        "outside-transaction",
        "form",
        _NOTE,
        "the file runs without a transaction",
        "Keep such a file short; `chatkeep migrate` notes each statement and resumes after a crash.",
    ),
    Rule(
        "concurrently-with-others",
        "form",
        _WARNING,
        "a CONCURRENTLY statement shares its file with others, so none of them has a transaction",
        "Put each CONCURRENTLY statement into a migration of its own.",
    ),
    Rule(
        "server-wide-command",
        "form",
        _WARNING,
        "a statement changes the whole server",
        "Do it where servers are set up, not in a migration.",
    ),
)

_FOLDER = (
    Rule(
        "no-down-file",
        "folder",
        _NOTE,
        "there is no verified way back",
        "Let `chatkeep generate` write the migration: it writes the way back beside it.",
    ),
    Rule(
        "down-loses-data",
        "folder",
        _NOTE,
        "the way back loses rows or values",
        "Before a `chatkeep rollback`, save what the file names.",
    ),
    Rule(
        "allow-without-reason",
        "folder",
        _WARNING,
        "an acknowledgment gives no reason",
        "Write why: `-- chatkeep:allow <rule> <reason>`.",
    ),
    Rule(
        "allow-matches-nothing",
        "folder",
        _WARNING,
        "an acknowledgment is about nothing that was found",
        "Take the line out, or correct the rule's name.",
    ),
)

RULES = {rule.id: rule for rule in (*LOCK_RULES, *_CODE, *_DATA, *_FORM, *_FOLDER)}
"""All rules by id."""
