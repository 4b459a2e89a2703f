"""Marked secrets at the edges: answers of FastAPI's dependencies, and what commands print."""

import asyncio
import base64
import sys
from collections.abc import Callable
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from auth.golden import SECRET, Golden, store
from auth.secrets import calls
from auth.secrets.ears import Ears
from chatkeep import AuthOptions, Database
from chatkeep.cli.main import cli
from chatkeep.errors import ChatkeepError
from chatkeep.integrations.fastapi import install_error_handlers
from chatkeep.presets import deepsearch
from fixtures.seeds import hardened_schema
from fixtures.servers import Databases, PgServer
from integrations.calling import application, client

ROUTES = ("/me", "/maybe", "/session", "/chats", "/all", "/open")
KINDS = {
    "deepsearch": ("auth.js database", "auth.js jwt", "auth.js jwt chunked", "next-auth jwt"),
    "maps": ("better-auth signed", "better-auth compact cache", "better-auth jwe cache"),
}


@pytest.mark.needs("node")
@pytest.mark.parametrize("preset", KINDS)
async def test_answers_hold_no_secret(
    preset: str,
    ears: Callable[[], Ears],
    golden_cookies: dict[str, Golden],
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
) -> None:
    """Right cookies, wrong ones, and a database that is gone: body and headers, and the logs."""
    heard_of = ears()
    heard_of.mark("the libraries' secret", SECRET)
    goldens = [golden_cookies[name] for name in KINDS[preset]]
    schema = hardened_schema(preset)
    url = await fresh_database(pg18).holding(schema)
    auth = AuthOptions(
        auth_secrets=(SECRET,), better_auth_secrets=(SECRET,), trust_cookie_cache=True
    )
    requests: list[dict[str, str]] = []
    for golden in goldens:
        for name, value in golden.cookies.items():
            heard_of.mark("a cookie", value[-40:])
            changed = value[:-30] + ("A" if value[-30] != "A" else "B") + value[-29:]
            requests.append({**golden.cookies, name: changed})
            requests.append({name: value[: len(value) // 2]})
        requests.append(golden.cookies)
        if golden.token:
            heard_of.mark("a library's token", golden.token)
    db = Database(schema, url, auth=auth)
    app, bare = application(db), application(db)
    install_error_handlers(app)
    statuses: set[int] = set()
    async with db:
        await store(db, *goldens)
        await _ask(heard_of, app, requests, statuses)
    for closed in (app, bare):
        await _ask(heard_of, closed, requests, statuses)
    assert {200, 401, 503} <= statuses
    assert not heard_of.leaks()


async def _ask(ears: Ears, app: Any, requests: list[dict[str, str]], statuses: set[int]) -> None:
    for cookies in requests:
        for route in ROUTES:
            try:
                async with client(app, cookies) as browser:
                    answer = await browser.get(route)
            except ChatkeepError as exc:  # as without our handlers of errors
                ears.error(f"the answer of {route}", exc)
                continue
            statuses.add(answer.status_code)
            ears.hear(f"the answer of {route}", answer.text)
            ears.hear(f"the headers of {route}", dict(answer.headers))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "chatkeep.toml").write_text('schema = "marked_cli_schema:schema"\n')
    (tmp_path / "marked_cli_schema.py").write_text(
        "from chatkeep.presets import deepsearch\nschema = deepsearch.schema()\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "marked_cli_schema", raising=False)
    return tmp_path


async def test_commands_print_no_secret(
    project: Path,
    ears: Callable[[], Ears],
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
) -> None:
    """`chatkeep auth ...` and `doctor` with marked keys, tokens and passwords, in success and in failure."""
    heard_of = ears()
    schema = deepsearch.schema()
    url = await fresh_database(pg18).holding(schema)
    async with Database(schema, url) as db:
        await calls.sign_in(db, "deepsearch", heard_of)

    def key() -> str:
        made = heard_of.mark("a key", token_urlsafe(32)[:32]).encode()
        return heard_of.mark("a key in base64", base64.b64encode(made).decode())

    one, two = key(), key()
    down = f"postgresql://nobody:{heard_of.mark('a password', token_urlsafe(32))}@127.0.0.1:1/none"
    good, gone = {"DATABASE_URL": url}, {"DATABASE_URL": down}
    keys = {name: {"CHATKEEP_TOKEN_KEYS": value} for name, value in {
        "one": f"a:{one}", "both": f"b:{two},a:{one}", "lost": f"c:{key()}",
        "broken": f"a:{one}x", "bare": one, "twice": f"a:{one},b:{one}",
    }.items()}  # fmt: skip
    words = ("auth", "seal-tokens")
    better = ("auth", "better-auth")
    runs: list[tuple[tuple[str, ...], dict[str, str], int]] = [
        (("doctor",), {**good, **keys["one"]}, 1),
        (("doctor", "--json"), {**good, **keys["one"]}, 1),
        ((*words, "--dry-run"), {**good, **keys["one"]}, 0),
        (words, {**good, **keys["one"]}, 0),
        ((*words, "--json"), {**good, **keys["both"]}, 0),
        (words, {**good, **keys["lost"]}, 1),
        ((*words, "--open"), {**good, **keys["lost"]}, 1),
        (words, {**good, **keys["broken"]}, 1),
        (words, {**good, **keys["bare"]}, 1),
        (words, {**good, **keys["twice"]}, 1),
        (words, {**gone, **keys["one"]}, 1),
        ((*words, "--url", down), keys["one"], 1),
        ((*words, "--open"), {**good, **keys["both"]}, 0),
        ((*better, "check"), good, 0),
        ((*better, "check"), gone, 1),
        ((*better, "config"), {**good, "BETTER_AUTH_SECRET": one}, 1),
    ]
    for given, environment, code in runs:
        for more in ((), ("--debug",)):
            result = await asyncio.to_thread(
                CliRunner().invoke, cli, [*more, *given], env=environment
            )
            where = " ".join(given)
            heard_of.hear(f"what {where} prints", result.output)
            if result.exception is not None:
                heard_of.error(where, result.exception)
            assert result.exit_code == code or more, (where, result.output)
    assert not heard_of.leaks()


async def test_postgres_tells_no_token_in_its_errors(
    ears: Callable[[], Ears], pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    """The driver's own error holds the value; ours, and what it was raised from, must not."""
    heard_of = ears()
    schema = deepsearch.schema()
    url = await fresh_database(pg18).holding(schema)
    async with Database(schema, url) as db:
        person = await calls.sign_in(db, "deepsearch", heard_of)
        new = calls.new_session("deepsearch", person.user_id, person.stored)
        with pytest.raises(Exception, match=r"in use|exists") as caught:
            await db.sessions.create(new)
        heard_of.error("in use", caught.value)
    connection = await asyncpg.connect(url)
    try:
        with pytest.raises(asyncpg.UniqueViolationError) as driver:
            await connection.execute(
                f'insert into "{schema.sessions.name}" (session_token, user_id, expires) values ($1, $2, now())',
                person.stored,
                person.user_id,
            )
    finally:
        await connection.close()
    assert person.stored in str(driver.value.detail)  # the driver's does: the ears are not deaf
    assert not heard_of.leaks()
