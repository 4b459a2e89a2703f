"""Names of migrations: the number in front, and what a person asked for made safe."""

import datetime as dt
import re
import unicodedata

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder.journal import Journal

MAX_LENGTH = 80  # with the number and `.sql` far below every file system's limit


def slug(name: str) -> str:
    """Make the name that a person gave safe for a file.

    Spaces and other signs become `_`; letters lose their accents; the case stays.

    Raises:
        MigrationsFolderError: The name holds a path separator, or nothing that can be kept.
    """
    if any(sign in name for sign in "/\\\0"):
        raise MigrationsFolderError(
            f"The migration name {name!r} holds a path separator.",
            hint="A name is a few words: letters, digits, `_` and `-`.",
        )
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-")[:MAX_LENGTH].rstrip("_-")
    if not safe:
        raise MigrationsFolderError(
            f"The migration name {name!r} holds no letter or digit that a file name can keep.",
            hint="A name is a few words: letters, digits, `_` and `-`.",
        )
    return safe


def next_prefix(journal: Journal, *, offset: int, now: dt.datetime) -> tuple[int, str]:
    """Give `idx` and the number in front of the name, in the style of the folder so far.

    drizzle-kit takes the last snapshot by name for the newest, so a folder whose files are named
    by time goes on by time.

    Args:
        journal: The journal as it stands.
        offset: 0 for the next migration, 1 for the one after it, and so on.
        now: Time of writing.
    """
    if not journal.entries:
        return offset, f"{offset:04d}"
    last = journal.entries[-1]
    idx = last.idx + 1 + offset
    before = last.tag.split("_", 1)[0]
    moment = now.astimezone(dt.UTC) + dt.timedelta(seconds=offset)
    if re.fullmatch(r"\d{14}", before):
        after = dt.datetime.strptime(before, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
        moment = max(moment, after + dt.timedelta(seconds=1 + offset))
        return idx, moment.strftime("%Y%m%d%H%M%S")
    if re.fullmatch(r"\d{10}", before):
        return idx, str(max(int(moment.timestamp()), int(before) + 1 + offset))
    number = max(idx, int(before) + 1 + offset) if re.fullmatch(r"\d{1,9}", before) else idx
    return idx, f"{number:04d}"
