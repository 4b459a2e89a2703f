"""The project's settings: where the schema, the migrations folder and the database are.

They stand in `chatkeep.toml`, or in `[tool.chatkeep]` of `pyproject.toml`:

    schema = "package.module:name"
    migrations = "drizzle"
    tables_filter = ["ai-app-template_*"]

    [[retention]]
    what = "trash"
    older_than = "30d"

The database's URL is never read from these files, which are committed: it comes from the caller,
then from DATABASE_URL, else the embedded server in `.chatkeep/` is meant.
"""

import importlib
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chatkeep.errors import ChatkeepError, ConfigError, InvalidUrlError

_KEYS = ("schema", "migrations", "tables_filter", "retention")
_URL_FORM = "Write it as postgresql://user:password@host:5432/database."
# A module that cannot be imported mostly fails with one of these, whose text is about code. Other
# errors may quote values, such as a URL with its password, so only their type is shown.
_TELLING = (ImportError, SyntaxError, NameError, AttributeError, TypeError, ChatkeepError)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the project says about itself, and what the caller said over it.

    Attributes:
        root: The folder of the configuration file; the start folder where there is none.
        schema: Reference of the schema object, as `package.module:name`, or None.
        migrations: The migrations folder; it need not exist yet.
        tables_filter: Patterns of the tables that belong to the project; empty means all.
        url: Database URL, or None for the embedded server.
        scratch_url: URL of a server for scratch databases, or None for the embedded server.
        source: The configuration file that was read, or None.
        retention: Entries of `[[retention]]` as they stand there; `chatkeep.personal.retention`
            reads them.
    """

    root: Path
    schema: str | None
    migrations: Path
    tables_filter: tuple[str, ...]
    url: str | None
    scratch_url: str | None
    source: Path | None = None
    retention: tuple[Mapping[str, object], ...] = ()

    @property
    def embedded_root(self) -> Path:
        """The folder of the embedded server's password, lock files and (mostly) data."""
        return self.root / ".chatkeep"

    @classmethod
    def load(
        cls, start: Path | None = None, *, url: str | None = None, scratch_url: str | None = None
    ) -> "Settings":
        """Read the nearest configuration, from `start` upwards.

        In one folder `chatkeep.toml` wins over `pyproject.toml`; a `pyproject.toml` without
        `[tool.chatkeep]` is passed over. Without any, the defaults hold.

        Args:
            start: Folder to begin in; None means the current one.
            url: Database URL; None or empty means DATABASE_URL, then the embedded server.
            scratch_url: Server for scratch databases; None means the embedded server.

        Raises:
            ConfigError: The file is unreadable, or holds an unknown key or a wrong type.
            InvalidUrlError: One of the URLs cannot be read.
        """
        folder = (start or Path.cwd()).resolve()
        source, table = _find(folder)
        root = source.parent if source else folder
        url = url or os.environ.get("DATABASE_URL") or None
        return cls(
            root=root,
            schema=_text(source, table, "schema"),
            migrations=root / (_text(source, table, "migrations") or "drizzle"),
            tables_filter=_texts(source, table, "tables_filter"),
            url=check_url(url) if url else None,
            scratch_url=check_url(scratch_url) if scratch_url else None,
            source=source,
            retention=_tables(source, table, "retention"),
        )


def _find(folder: Path) -> tuple[Path | None, Mapping[str, Any]]:
    for place in (folder, *folder.parents):
        own = place / "chatkeep.toml"
        if own.is_file():
            return own, _checked(own, _read(own))
        project = place / "pyproject.toml"
        if project.is_file():
            tool = _read(project).get("tool", {})
            if isinstance(tool, dict) and "chatkeep" in tool:
                return project, _checked(project, tool["chatkeep"])
    return None, {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigError(f"{path} cannot be read: {exc}.", hint="Mend the file.") from exc


def _checked(path: Path, table: object) -> Mapping[str, Any]:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: `tool.chatkeep` is not a table.", hint="Write [tool.chatkeep].")
    for key in table:
        if key in {"url", "database_url"}:
            raise ConfigError(
                f"{path}: `{key}` does not belong in a file that is committed.",
                hint="Set DATABASE_URL, or pass --url.",
            )
        if key not in _KEYS:
            raise ConfigError(
                f"{path}: unknown setting `{key}`.", hint=f"Known are {', '.join(_KEYS)}."
            )
    return {str(key): value for key, value in table.items()}


def _text(source: Path | None, table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise ConfigError(f"{source}: `{key}` is not a text.", hint=f'Write {key} = "...".')


def _texts(source: Path | None, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(str(item) for item in value)
    raise ConfigError(f"{source}: `{key}` is not a list of texts.", hint=f'Write {key} = ["..."].')


def _tables(
    source: Path | None, table: Mapping[str, Any], key: str
) -> tuple[Mapping[str, object], ...]:
    value = table.get(key, [])
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return tuple(value)
    name = f"tool.chatkeep.{key}" if source and source.name == "pyproject.toml" else key
    raise ConfigError(f"{source}: `{key}` is not a list of tables.", hint=f"Write [[{name}]].")


def load_object(reference: str, root: Path) -> object:
    """Import the object that `package.module:name` names.

    `root` (and `root/src`, where it exists) joins the front of `sys.path` and stays there, so
    that the project's modules can import each other later too.

    Raises:
        ConfigError: The reference is malformed, the module is absent or fails, or it lacks the name.
    """
    module_name, colon, attribute = reference.partition(":")
    parts = [*module_name.split("."), *attribute.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise ConfigError(
            f"`{reference}` does not name an object.", hint="Write it as package.module:name."
        )
    for folder in (str(root / "src"), str(root)):
        if folder not in sys.path and Path(folder).is_dir():
            sys.path.insert(0, folder)
    value: object = _import(module_name, reference, root)
    for name in attribute.split("."):
        if not hasattr(value, name):
            raise ConfigError(
                f"`{reference}`: there is no `{name}` in `{module_name}`.",
                hint="Correct the name after the colon.",
            )
        value = getattr(value, name)
    return value


def _import(name: str, reference: str, root: Path) -> ModuleType:
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(name)
    except Exception as exc:
        absent = exc.name if isinstance(exc, ModuleNotFoundError) else None
        if absent and f"{name}.".startswith(f"{absent}."):
            raise ConfigError(
                f"`{reference}`: there is no module `{absent}` in {root} or on Python's path.",
                hint="Correct the reference, or run inside the project's environment.",
            ) from exc
        why = f"{type(exc).__name__}: {exc}" if isinstance(exc, _TELLING) else type(exc).__name__
        raise ConfigError(
            f"`{reference}`: importing `{name}` failed with {why}.", hint="Mend that module."
        ) from exc
    _refuse_stranger(module, name, root)
    return module


def _refuse_stranger(module: ModuleType, name: str, root: Path) -> None:
    """Another project's module of this name may be loaded already; it is not the one meant."""
    origin = getattr(module, "__file__", None)
    stem = Path(*name.split("."))
    for base in (root, root / "src"):
        for wanted in (base / stem / "__init__.py", base / stem.with_suffix(".py")):
            if wanted.is_file() and origin and not Path(origin).samefile(wanted):
                raise ConfigError(
                    f"Module `{name}` was loaded from {origin}, but the project's is {wanted}.",
                    hint="Give it another name, or load the two in processes of their own.",
                )


def check_url(url: str) -> str:
    """Refuse what is no PostgreSQL URL, and give back the plain form of what is.

    SQLAlchemy's `postgresql+driver://` becomes `postgresql://`. Nothing is connected.

    Raises:
        InvalidUrlError: Not a PostgreSQL URL. The message holds nothing of its password.
    """
    text = url.strip()
    scheme, mark, rest = text.partition("://")
    if not mark or re.fullmatch(r"postgres(ql)?(\+\w+)?", scheme) is None:
        found = f"it begins with `{scheme}://`" if mark and scheme.isalnum() else "it has no scheme"
        raise InvalidUrlError(f"The database URL is not a PostgreSQL one: {found}.", hint=_URL_FORM)
    text = f"{scheme.partition('+')[0]}://{rest}"
    fault = _fault(text)
    if fault:
        raise InvalidUrlError(f"The database URL {redact_url(text)} {fault}.", hint=_URL_FORM)
    return text


def _fault(text: str) -> str | None:
    """What is wrong with the URL, told without its content: parsers quote the password."""
    if re.search(r"[\x00- \x7f]", text):
        return "holds a space or a control character; percent-encode it"
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00", text):
        return "holds a `%` that begins no percent-encoding of a character; write it as %25"
    if "#" in text:
        return "holds a `#`; write it as %23"
    try:
        parts = urlsplit(text)
        ports = [_port(host) for host in parts.netloc.rpartition("@")[2].split(",")]
        parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return "has a host, port or query that cannot be read; percent-encode `/ ? # @ :` in names"
    if not all(port is None or 0 < port < 65536 for port in ports):
        return "has a port outside 1 to 65535"
    return "has a `/` in the database's name; write it as %2F" if "/" in parts.path[1:] else None


def _port(host: str) -> int | None:
    text = host.rpartition("]")[2] if host.startswith("[") else host
    _, colon, port = text.partition(":")
    if colon and not (port.isascii() and port.isdigit()):
        raise ValueError
    return int(port) if colon else None


def redact_url(url: str) -> str:
    """Give the URL with its password as `***`, fit for messages and logs."""
    scheme, mark, rest = url.strip().partition("://")
    if not mark:
        return "(unreadable URL)"
    # The last `@` counts: an unescaped one in a password must not let its tail through.
    user, at, place = rest.rpartition("@")
    name, colon, _ = user.partition(":")
    login = f"{name}:***" if colon else name
    place = re.sub(r"(?i)((?:ssl)?password=)[^&]*", r"\1***", place)
    if not at and re.search(
        r":[^/,\]]*[^\d/,\]?][^/,]*", place.partition("/")[0].partition("?")[0]
    ):
        # `user:secret` cut off before its `@`: what looks like a port may be a password.
        place = place.partition(":")[0] + ":***"
    return f"{scheme}://{login}{at}{place}"
