"""The neutral form of a conversation: what every format is read into, and written from.

A conversation is a tree of nodes. Ids are those of the source; ours are made of them when it is
stored. What a format knows and no column of ours holds goes into `record`, of the conversation or
of the node: it is stored beside, and comes back with an export in the same format.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from chatkeep.inputs.deepsearch import NewUsage
from chatkeep.records.deepsearch import MessageMetadata, Role, Source, Status


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in its source, so that somebody can go and look.

    Attributes:
        source: Name of the file, or of the database without its password.
        record: Its number, from 1 on.
        line: Of its first byte, from 1 on, in a file of lines.
        byte: Offset of its first byte in the text of the file, from 0 on.
        key: Its key in a database, or what names it inside of the record.
    """

    source: str
    record: int | None = None
    line: int | None = None
    byte: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        said = {"record": self.record, "line": self.line, "byte": self.byte, "key": self.key}
        return ", ".join([self.source, *(f"{n} {v}" for n, v in said.items() if v is not None)])


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that cannot be imported.

    Attributes:
        place: Where it stands.
        problem: What is wrong, as a clause without a full stop; nothing of its content.
        is_last: Nothing behind it can be read.
    """

    place: Place
    problem: str
    is_last: bool = False


@dataclass(slots=True)
class Node:
    """One message of a conversation.

    Attributes:
        id: In the source; unique in its conversation.
        parent: Id of the node that it follows, which stands before it; None begins a branch.
        role: Of ours.
        content: The text to show and to search.
        parts: The application's or framework's own message, any JSON; None where text says all.
        sources: Pages that it cites.
        metadata: How it came about: the model, the tokens.
        status: Of an answer that broke off: `interrupted` or `error`.
        created_at: With a zone; None is the time of its conversation.
        usage: What the answer used, for the ledger; None where the source does not say.
        vote: What its owner thinks of it: 1, -1 or None. Stored as feedback, with `comment`.
        comment: What its owner said of it.
        record: What the format knows and nothing above says, any JSON; see the module.
    """

    id: str
    parent: str | None
    role: Role
    content: str
    parts: Any = None
    sources: list[Source] | None = None
    metadata: MessageMetadata | None = None
    status: Status = "complete"
    created_at: datetime | None = None
    usage: NewUsage | None = None
    vote: Literal[1, -1] | None = None
    comment: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class Conversation:
    """One conversation of one person, whole.

    Attributes:
        id: In the source: the same text names the same conversation at every import of one user.
        title: As the source has it; one that is too long for us is cut when it is stored, and comes
            back whole. Empty where there is none.
        nodes: Each behind its parent; the order is that of `seq`. At least one.
        head: Id of the node that ends the branch which is shown; None is the last one.
        created_at: With a zone; None is the time of the import.
        updated_at: Of its last activity; None is that of the newest node.
        is_pinned: It is kept on top.
        owner: E-mail of its owner in the source, where a database holds those of many: an import
            of all of them finds the user by it. A writer to such a database is told the same.
        record: What the format knows and nothing above says, any JSON; see the module.
        format: Of which format the ids and records are; "" for what began with us. A writer of
            another format has no use for the records.
        place: Where a reader found it.
        size: About how many characters it has in the source, where its texts do not tell: images
            in its parts. So many are in memory before they are stored.
    """

    id: str
    title: str
    nodes: list[Node]
    head: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    is_pinned: bool = False
    owner: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict[str, Any])
    format: str = ""
    place: Place | None = None
    size: int = 0


class Reader(Protocol):
    """Gives the conversations of a source one by one; what is wrong with it is a value as well.

    One conversation is in memory at a time. A file that cannot be read on is a `BadRecord` with
    `is_last`, not an exception.
    """

    @property
    def size(self) -> int | None:
        """How much there is, in the unit of `done`; None where nobody knows."""
        ...

    @property
    def done(self) -> int:
        """How much was read: bytes of a file, conversations of a database."""
        ...

    def __aiter__(self) -> AsyncIterator[Conversation | BadRecord]:
        """Read from the start."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """What a writer wrote of a conversation.

    Attributes:
        messages: How many were written; those that were there already are not counted.
        not_shown: How many have no place there: they stand on branches that are not shown, or
            are hidden or blank.
        is_new: Whether the conversation was not there yet.
    """

    messages: int
    not_shown: int = 0
    is_new: bool = True


class Writer(Protocol):
    """Takes conversations one by one.

    It is opened by its format, as a block: what was written stands when the block ends, and nothing
    of it when an error leaves the block.
    """

    async def write(self, conversation: Conversation) -> Written | None:
        """Write one conversation; None says that it was new and is there with every message.

        Raises:
            ExchangeError: The format has no form for it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What a source or target needs to be told.

    Attributes:
        account: Whose conversations, by id or e-mail there, where a database holds those of many.
    """

    account: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who has conversations in a database that holds those of many.

    Attributes:
        id: There.
        email: There; None where they have none, or are gone.
        conversations: How many are theirs.
    """

    id: str
    email: str | None
    conversations: int


@dataclass(frozen=True, slots=True)
class Format:
    """A form in which other products keep conversations.

    Attributes:
        name: As in `--format`.
        reader: Opens a source, a path or a URL; None where nothing can be read in it.
        writer: Opens a target, a path or a URL; None where nothing can be written in it.
        holds: How many conversations a target takes: "one" or "many".
        accounts: Gives who has conversations in a source, by its URL; None where a source holds
            those of one person.
    """

    name: str
    reader: Callable[[str, Options], AbstractAsyncContextManager[Reader]] | None = None
    writer: Callable[[str, Options], AbstractAsyncContextManager[Writer]] | None = None
    holds: Literal["one", "many"] = "many"
    accounts: Callable[[str], Awaitable[Sequence[Account]]] | None = None
