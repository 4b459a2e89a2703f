"""What a statement about an index or a partition names, read from its tokens."""

from dataclasses import dataclass

from chatkeep.kit.folder.tokens import Token, tokens


@dataclass(frozen=True, slots=True)
class NewIndex:
    """A CREATE INDEX.

    Attributes:
        name: The index's name, unquoted; None where PostgreSQL chooses it.
        table: The table as the statement writes it, quotes included.
        concurrently: Whether it says so.
        definition: The statement without CONCURRENTLY, its table written as `{table}`.
    """

    name: str | None
    table: str
    concurrently: bool
    definition: tuple[str, str]


class _Reader:
    """Takes one token of the code after the other."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._code: list[Token] = [token for token in tokens(sql) if token.is_code]
        self._place = 0

    def word(self, *words: str) -> Token | None:
        """Take the next token if it is one of these words."""
        if self._place < len(self._code):
            token = self._code[self._place]
            if token.kind == "word" and token.text.upper() in words:
                self._place += 1
                return token
        return None

    def words(self, *words: str) -> bool:
        """Take all of these words one after the other, or none."""
        place = self._place
        if all(self.word(word) for word in words):
            return True
        self._place = place
        return False

    def name(self) -> tuple[str, int, int] | None:
        """Take a name, dots and quotes included; give it with its place in the text."""
        first = self._take_part()
        if first is None:
            return None
        last = first
        while self._text() == ".":
            self._place += 1
            last = self._take_part() or last
        return self.sql[first.start : last.end], first.start, last.end

    def skip_parentheses(self) -> None:
        """Take a list of options in parentheses, if there is one."""
        if self._text() != "(":
            return
        while self._text() not in {")", ""}:
            self._place += 1
        self._place += 1

    def _text(self) -> str:
        return self._code[self._place].text if self._place < len(self._code) else ""

    def _take_part(self) -> Token | None:
        if self._place < len(self._code) and self._code[self._place].kind in {"word", "quoted"}:
            self._place += 1
            return self._code[self._place - 1]
        return None


def unquoted(name: str) -> str:
    """Give the last part of a name as PostgreSQL keeps it."""
    code = [token for token in tokens(name) if token.is_code]
    text = code[-1].text
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()


def new_index(sql: str) -> NewIndex | None:
    """Read a CREATE INDEX; None for any other statement."""
    reader = _Reader(sql)
    if not reader.word("CREATE"):
        return None
    reader.word("UNIQUE")
    if not reader.word("INDEX"):
        return None
    concurrently = reader.word("CONCURRENTLY")
    reader.words("IF", "NOT", "EXISTS")
    name = None if reader.word("ON") else reader.name()
    if name is not None and not reader.word("ON"):
        return None
    reader.word("ONLY")
    table = reader.name()
    if table is None:
        return None
    text, start, end = table
    head = sql[:start]
    if concurrently is not None:
        head = sql[: concurrently.start] + sql[concurrently.end : start]
    named = unquoted(name[0]) if name is not None else None
    return NewIndex(named, text, concurrently is not None, (head, sql[end:]))


def dropped_index(sql: str) -> str | None:
    """Give the index of a DROP INDEX CONCURRENTLY as it is written; None for any other."""
    reader = _Reader(sql)
    if not reader.words("DROP", "INDEX", "CONCURRENTLY"):
        return None
    reader.words("IF", "EXISTS")
    name = reader.name()
    return None if name is None else name[0]


def reindexed(sql: str) -> tuple[str, str] | None:
    """Give kind (`INDEX`, `TABLE`, …) and name of a REINDEX; None for any other."""
    reader = _Reader(sql)
    if not reader.word("REINDEX"):
        return None
    reader.skip_parentheses()
    kind = reader.word("INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM")
    if kind is None:
        return None
    reader.word("CONCURRENTLY")
    name = reader.name()
    return kind.text.upper(), name[0] if name else ""


def detached(sql: str) -> tuple[str, str] | None:
    """Give table and partition of a DETACH … CONCURRENTLY; None for any other statement."""
    reader = _Reader(sql)
    if not reader.words("ALTER", "TABLE"):
        return None
    reader.words("IF", "EXISTS")
    reader.word("ONLY")
    table = reader.name()
    if table is None or not reader.words("DETACH", "PARTITION"):
        return None
    partition = reader.name()
    if partition is None or not reader.word("CONCURRENTLY"):
        return None
    return table[0], partition[0]


def cluster_object(sql: str) -> tuple[str, str, str] | None:
    """Give verb, kind and name where a database, tablespace or subscription is made or dropped."""
    reader = _Reader(sql)
    verb = reader.word("CREATE", "DROP")
    kind = reader.word("DATABASE", "TABLESPACE", "SUBSCRIPTION") if verb else None
    if verb is None or kind is None:
        return None
    reader.words("IF", "EXISTS")
    name = reader.name()
    return None if name is None else (verb.text.upper(), kind.text.upper(), unquoted(name[0]))
