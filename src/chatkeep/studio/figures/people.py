"""A person's sessions, and what erasing and exporting them would touch."""

import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from chatkeep.insight.sign_ins import list_sign_ins
from chatkeep.personal.erasing import ErasureOptions, preview_erasure
from chatkeep.personal.exporting import ExportOptions, export_person, preview_export
from chatkeep.studio.answering import answer, body
from chatkeep.studio.bounding import turn
from chatkeep.studio.figures.asking import schema_of, user_of
from chatkeep.studio.grounds import ground_of

_PREVIEW_SECONDS, _LONG_SECONDS = 20.0, 60.0
_WAIT = ErasureOptions(lock_wait=3.0)


class Whose(Struct, forbid_unknown_fields=True):
    """Whom it is about."""

    user: str


class Which(Struct, forbid_unknown_fields=True):
    """A session of a user."""

    user: str
    session: str


class Fleeting(FileResponse):
    """A file that is gone with its folder once it was sent, also where the sending broke off."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            shutil.rmtree(Path(self.path).parent, ignore_errors=True)


async def sessions(request: Request) -> Response:
    """Give a page of a user's sessions; no token leaves the server."""
    ground, user = ground_of(request), user_of(request)
    after = request.query_params.get("after") or None
    async with ground.lent() as db:
        found, following = await list_sign_ins(db, user, datetime.now(UTC), limit=50, after=after)
        live = await db.sessions.count(user)
    return answer(
        {
            "sessions": [
                {
                    "id": each.id,
                    "device": each.device,
                    "address": each.ip_address,
                    "created": each.created_at,
                    "used": each.used_at,
                    "expires": each.expires_at,
                    "live": each.is_live,
                    "kind": each.kind,
                }
                for each in found
            ],
            "next": following,
            "live": live,
        }
    )


async def revoke(request: Request) -> Response:
    """End one session of a user."""
    ground = ground_of(request)
    ground.insist_on_write()
    which = await body(request, Which)
    async with ground.lent() as db:
        await db.auth.sessions.revoke(which.user, which.session)
    return answer({"revoked": 1})


async def revoke_all(request: Request) -> Response:
    """End all sessions of a user."""
    ground = ground_of(request)
    ground.insist_on_write()
    whose = await body(request, Whose)
    async with ground.lent() as db:
        return answer({"revoked": await db.auth.sessions.revoke_all(whose.user)})


async def personal(request: Request) -> Response:
    """Count what erasing and exporting a person would touch; nothing is changed or noted."""
    ground, user = ground_of(request), user_of(request)
    schema = schema_of(ground)
    hint = f"`{_commands(user)['show']}` takes all the time that it needs."
    async with turn(ground, _PREVIEW_SECONDS, "Counting this person's rows", hint):
        erasing = await preview_erasure(ground.url, schema, user, _WAIT, has_proof=False)
        exporting = await preview_export(ground.url, schema, user)
    return answer(
        {
            "steps": [each.as_json() for each in erasing.steps],
            "files": [
                {
                    "table": each.table,
                    "file": each.file,
                    "rows": each.rows,
                    "masked": each.masked,
                    "whole": each.is_whole,
                }
                for each in exporting.files
            ],
            "quoted": exporting.quoted,
            "suspects": erasing.suspects,
            "unknown": erasing.unknown,
            "absent": erasing.absent,
            "commands": _commands(user),
        }
    )


async def proof(request: Request) -> Response:
    """Read every table for what erasing a person would leave of them."""
    ground, user = ground_of(request), user_of(request)
    hint = f"`{_commands(user)['show']}` takes all the time that it needs."
    async with turn(ground, _LONG_SECONDS, "Reading every table", hint):
        report = await preview_erasure(ground.url, schema_of(ground), user, _WAIT)
    found = report.proof
    assert found is not None  # noqa: S101 - it was asked for
    return answer({**found.as_json(), "clean": found.is_clean})


async def export(request: Request) -> Response:
    """Make the export of a person and give it; that it was made is noted in the audit."""
    ground = ground_of(request)
    ground.insist_on_write()  # for the audit
    user = (await body(request, Whose)).user
    folder = Path(mkdtemp(prefix="chatkeep-export-"))
    try:
        hint = f"`{_commands(user)['export']}` takes all the time that it needs."
        async with turn(ground, _LONG_SECONDS, "The export", hint):
            report = await export_person(
                ground.url,
                schema_of(ground),
                user,
                folder / "export.zip",
                ExportOptions(actor="chatkeep studio"),
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Fleeting(
        report.path,
        media_type="application/zip",
        filename=f"personal-data-{report.subject[:12]}.zip",
    )


def _commands(user: str) -> dict[str, str]:
    whom = shlex.quote(user)
    whose = f"--user={whom}" if user.startswith("-") else f"--user {whom}"
    return {
        "show": f"chatkeep erase {whose}",
        "erase": f"chatkeep erase {whose} --yes",
        "export": f"chatkeep export {whose}",
        "history": f"chatkeep erase --history {whose}",
    }
