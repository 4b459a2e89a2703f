"""A person's sessions and tokens: an export holds no secret of theirs, an erasure takes them along."""

import zipfile
from pathlib import Path

from auth.sessions.places import SCHEMAS, Place
from chatkeep.personal.erasing import erase_person
from chatkeep.personal.exporting import ExportOptions, export_person

EMAIL = "user1@example.com"


async def test_export_and_erasure(place: Place, tmp_path: Path) -> None:
    schema, out = SCHEMAS[place.preset], tmp_path / "person.zip"
    issued = await place.db.auth.sessions.create(place.user, "a browser", "192.0.2.1")
    token = await place.db.auth.tokens.issue("reset", EMAIL)
    stranger = await place.db.auth.sessions.create(place.stranger)
    await place.db.auth.tokens.issue("reset", "user2@example.com")
    await export_person(place.url, schema, EMAIL, out, ExportOptions(actor="desk"))
    with zipfile.ZipFile(out) as archive:
        text = "\n".join(archive.read(name).decode() for name in archive.namelist())
    assert "192.0.2.1" in text
    for secret in (issued.token, token, "sha256:", "sha256-"):
        assert secret not in text
    report = await erase_person(place.url, schema, EMAIL)
    assert report.is_clean
    assert await place.db.auth.sessions.find(issued.token) is None
    assert await place.db.auth.tokens.revoke("reset", EMAIL) == 0
    assert await place.db.auth.sessions.find(stranger.token) is not None
    assert await place.db.auth.tokens.revoke("reset", "user2@example.com") == 1
