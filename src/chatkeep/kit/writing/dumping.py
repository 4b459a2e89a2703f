"""pg_dump's word on a schema, made comparable."""

import asyncio
import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from chatkeep.errors import ProofFailedError
from chatkeep.kit.catalog.expressions import settled

_NOISE = re.compile(r"--|\\(un)?restrict\b|SET |SELECT pg_catalog\.set_config")
_NOT_NULL_NAME = re.compile(r'CONSTRAINT ("(?:[^"]|"")+"|\S+) NOT NULL')


_OPTIONS = re.compile(r"(?<=WITH \()[a-z_]+='[^']*'(?:, [a-z_]+='[^']*')+(?=\))")


async def dump_schema(
    pg_dump: Path, url: str, *, ignore: tuple[str, ...] = (), privileges: bool = False
) -> list[str]:
    """Give the statements of `pg_dump --schema-only`, with what cannot be planned left out.

    Left out are comments, restrict lines, session settings, the order of columns, and the names
    of NOT NULL constraints, which PostgreSQL 18 keeps when a table, column or domain is renamed.

    Args:
        pg_dump: The program, not older than the server.
        url: The database.
        ignore: Schemas to leave out.
        privileges: With owners, grants and default privileges.

    Raises:
        ProofFailedError: pg_dump fails.
    """
    least = () if privileges else ("--no-owner", "--no-privileges")
    excluded = [f"--exclude-schema={name}" for name in ignore]
    plain, environment = _without_password(url)
    process = await asyncio.create_subprocess_exec(
        str(pg_dump),
        *("--schema-only", *least, *excluded, plain),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    output, errors = await process.communicate()
    if process.returncode:
        said = errors.decode(errors="replace").strip().splitlines()
        raise ProofFailedError(
            f"pg_dump failed: {said[0] if said else process.returncode}.",
            hint="Use the pg_dump of the server's own version.",
        )
    return sorted(_statements(output.decode()))


async def suitable_dump(programs: Sequence[Path], major: int) -> Path | None:
    """Give the first of these pg_dump programs that is not older than the server, or None.

    Args:
        programs: Where they may be; those that are not there are passed over.
        major: Major version of the server.
    """
    for program in programs:
        try:
            process = await asyncio.create_subprocess_exec(
                str(program),
                "--version",
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError:
            continue
        output, _ = await process.communicate()
        found = re.search(r"\d+", output.decode(errors="replace"))
        if process.returncode == 0 and found and int(found.group()) >= major:
            return program
    return None


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """Keep the password off the command line, which every user of the machine can read."""
    environment = dict(os.environ)
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    if colon:
        environment["PGPASSWORD"] = unquote(password)
        url = url.replace(f"{parts.netloc}", f"{name}{at}{place}", 1)
    head, mark, query = url.partition("?")
    options = query.split("&")
    kept = [option for option in options if unquote(option.partition("=")[0]) != "password"]
    if len(kept) < len(options):
        given = parse_qs(parts.query).get("password", [""])[-1]
        if given and not password:  # asyncpg too prefers the one beside the user
            environment["PGPASSWORD"] = given
        url = f"{head}{mark if kept else ''}{'&'.join(kept)}"
    return url, environment


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not _NOISE.match(line)]
    blocks = re.split(r";\n\s*\n", "\n".join(lines) + "\n\n")
    return [_sorted_table(block.strip()) for block in blocks if block.strip()]


def _sorted_options(found: re.Match[str]) -> str:
    return ", ".join(sorted(found.group().split(", ")))


def _sorted_table(block: str) -> str:
    block = _OPTIONS.sub(_sorted_options, settled(block))
    if block.startswith("CREATE DOMAIN"):
        return _NOT_NULL_NAME.sub("NOT NULL", block)
    if not block.startswith(("CREATE TABLE", "CREATE UNLOGGED TABLE")):
        return block
    first, *inside = _NOT_NULL_NAME.sub("NOT NULL", block).splitlines()
    return "\n".join([first, *sorted(line.removesuffix(",") for line in inside)])
