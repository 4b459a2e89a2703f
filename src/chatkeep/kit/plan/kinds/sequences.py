"""Sequences and the columns that they go with."""

from chatkeep.kit.catalog.tables import Sequence, SequenceOptions, SequenceOwner
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.writer import Context, Writer


def option_words(options: SequenceOptions) -> str:
    """Give all options but the type."""
    return (
        f"INCREMENT BY {options.increment} MINVALUE {options.minimum} MAXVALUE {options.maximum} "
        f"START WITH {options.start} CACHE {options.cache}{' CYCLE' if options.cycle else ''}"
    )


def changed_words(before: SequenceOptions, after: SequenceOptions) -> list[str]:
    """Give the options that differ, in the order in which PostgreSQL takes them."""
    pairs = (
        ("INCREMENT BY", before.increment, after.increment),
        ("MINVALUE", before.minimum, after.minimum),
        ("MAXVALUE", before.maximum, after.maximum),
        ("START WITH", before.start, after.start),
        ("CACHE", before.cache, after.cache),
    )
    words = [f"{word} {new}" for word, old, new in pairs if old != new]
    if before.cycle != after.cycle:
        words.append("CYCLE" if after.cycle else "NO CYCLE")
    apart = after.maximum < before.minimum or after.minimum > before.maximum
    return [*words, f"RESTART WITH {after.start}"] if apart else words


def lift(path: tuple[str, ...], before: SequenceOptions, after: SequenceOptions) -> list[str]:
    """Move a sequence that stands below a new minimum up to it, and leave any other alone."""
    if after.minimum <= before.minimum or after.minimum > before.maximum:
        return []
    name = ident(*path)
    call = f"SELECT setval({literal(name)}::regclass, {after.minimum}, false)"
    return [f"{call} FROM {name} WHERE last_value < {after.minimum}"]


def create_sequence(fact: Sequence) -> list[str]:
    """Give CREATE SEQUENCE."""
    kind = "UNLOGGED SEQUENCE" if fact.unlogged else "SEQUENCE"
    name = ident(*fact.path)
    return [f"CREATE {kind} {name} AS {fact.options.type} {option_words(fact.options)}"]


def _alter(before: Sequence, after: Sequence, context: Context) -> list[str] | None:
    del context
    head = f"ALTER SEQUENCE {ident(*after.path)}"
    out: list[str] = []
    if before.options != after.options:
        words = changed_words(before.options, after.options)
        if before.options.type != after.options.type:
            # The new type may move the limits by itself: say all of them.
            words = [f"AS {after.options.type}", option_words(after.options)]
            words += ["NO CYCLE"] if before.options.cycle and not after.options.cycle else []
        out += lift(after.path, before.options, after.options)
        out.append(f"{head} {' '.join(words)}")
    if before.unlogged != after.unlogged:
        out.append(f"{head} SET {'UNLOGGED' if after.unlogged else 'LOGGED'}")
    return out


def own(fact: SequenceOwner) -> list[str]:
    """Give the OWNED BY."""
    return [f"ALTER SEQUENCE {ident(*fact.path)} OWNED BY {ident(*fact.owner.path)}"]


def _own_anew(before: SequenceOwner, after: SequenceOwner, context: Context) -> list[str] | None:
    del before, context
    return own(after)


SEQUENCE = Writer[Sequence](create_sequence, lambda f: f"DROP SEQUENCE {ident(*f.path)}", _alter)
SEQUENCE_OWNER = Writer[SequenceOwner](
    own, lambda f: f"ALTER SEQUENCE {ident(*f.path)} OWNED BY NONE", _own_anew
)
