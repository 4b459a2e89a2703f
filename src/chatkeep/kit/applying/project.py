"""Whose migrations they are: what tells two projects apart that share one database."""

from collections.abc import Mapping
from typing import cast

from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.journal import OWN_KEY, parse_object
from chatkeep.kit.folder.reading import read_text


def project_of(folder: Folder) -> str | None:
    """Give the project's name, the same wherever the folder is checked out.

    It is the id of the folder's first snapshot, which a tool drew when the folder was begun, unless
    the journal says another (`"chatkeep": {"project": …}` beside its entries): who writes a new
    first snapshot keeps the old name there.

    Returns:
        None where a folder has neither; its rows then count as anybody's.

    Raises:
        MigrationsFolderError: The first snapshot is not a JSON object.
    """
    own = folder.journal.document.get(OWN_KEY)
    if isinstance(own, Mapping):
        told = cast("Mapping[str, object]", own).get("project")
        if isinstance(told, str) and told:
            return told
    if not folder.migrations:
        return None
    if folder.format == "1.0":
        path = folder.migrations[0].path.with_name("snapshot.json")
    else:
        number = folder.journal.entries[0].tag.split("_", 1)[0]
        path = folder.path / "meta" / f"{number}_snapshot.json"
    if not path.exists():
        return None
    found = parse_object(read_text(path), path).get("id")
    return found if isinstance(found, str) and found else None
