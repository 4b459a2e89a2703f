"""pg_dump's word on a schema, made comparable."""

import asyncio
import re
from pathlib import Path

from chatkeep.errors import ProofFailedError
from chatkeep.kit.catalog.expressions import settled

_NOISE = re.compile(r"--|\\(un)?restrict\b|SET |SELECT pg_catalog\.set_config")
_NOT_NULL_NAME = re.compile(r'CONSTRAINT ("(?:[^"]|"")+"|\S+) NOT NULL')


_OPTIONS = re.compile(r"(?<=WITH \()[a-z_]+='[^']*'(?:, [a-z_]+='[^']*')+(?=\))")


async def dump_schema(pg_dump: Path, url: str, *, ignore: tuple[str, ...] = ()) -> list[str]:
    """Give the statements of `pg_dump --schema-only`, with what cannot be planned left out.

    Left out are comments, restrict lines, session settings, the order of columns, and the names
    of NOT NULL constraints, which PostgreSQL 18 keeps when a table or column is renamed.

    Raises:
        ProofFailedError: pg_dump fails.
    """
    excluded = [f"--exclude-schema={name}" for name in ignore]
    process = await asyncio.create_subprocess_exec(
        str(pg_dump),
        *("--schema-only", "--no-owner", "--no-privileges", *excluded, url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode:
        said = errors.decode(errors="replace").strip().splitlines()
        raise ProofFailedError(
            f"pg_dump failed: {said[0] if said else process.returncode}.",
            hint="Use the pg_dump of the server's own version.",
        )
    return sorted(_statements(output.decode()))


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not _NOISE.match(line)]
    blocks = re.split(r";\n\s*\n", "\n".join(lines) + "\n\n")
    return [_sorted_table(block.strip()) for block in blocks if block.strip()]


def _sorted_options(found: re.Match[str]) -> str:
    return ", ".join(sorted(found.group().split(", ")))


def _sorted_table(block: str) -> str:
    block = _OPTIONS.sub(_sorted_options, settled(block))
    if not block.startswith(("CREATE TABLE", "CREATE UNLOGGED TABLE")):
        return block
    first, *inside = _NOT_NULL_NAME.sub("NOT NULL", block).splitlines()
    return "\n".join([first, *sorted(line.removesuffix(",") for line in inside)])
