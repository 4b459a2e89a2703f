"""Pages of other sites, in a real browser that is signed in to the studio: all that they try fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fixtures.studio import BUILT
from fixtures.studio_world import ADA

pytestmark = pytest.mark.needs("chromium")

# What a page may try without its visitor doing anything. Each gives "refused" or what it got.
TRIES = """
async (studio) => {
  const got = {};
  const asking = (name, path, options) =>
    fetch(studio + path, { credentials: "include", ...options })
      .then(async (r) => (got[name] = r.type + " " + r.status + " " + (await r.text()).slice(0, 80)))
      .catch(() => (got[name] = "refused"));
  await asking("fetch", "/api/overview");
  await asking("fetch with our header", "/api/overview", { headers: { "x-chatkeep-studio": "1" } });
  await asking("fetch of a page", "/");
  await asking("post as a form", "/api/console/runs", { method: "POST", body: '{"sql":"select 1"}' });
  await asking("no-cors", "/api/overview", { mode: "no-cors" });
  await asking("no-cors post", "/api/console/runs", { mode: "no-cors", method: "POST", body: "{}" });
  const element = (name, make) =>
    new Promise((done) => {
      const made = make();
      made.onload = () => done((got[name] = "loaded"));
      made.onerror = () => done((got[name] = "refused"));
      document.body.append(made);
    });
  const script = Object.keys(ASSETS).find((n) => n.endsWith(".js"));
  await element("script", () => Object.assign(document.createElement("script"),
    { src: studio + "/assets/" + script }));
  await element("module", () => Object.assign(document.createElement("script"),
    { type: "module", src: studio + "/assets/" + script }));
  await element("data as a script", () => Object.assign(document.createElement("script"),
    { src: studio + "/api/overview" }));
  await element("image", () => Object.assign(new Image(), { src: studio + "/icon.svg" }));
  await element("style", () => Object.assign(document.createElement("link"),
    { rel: "stylesheet", href: studio + "/assets/" + Object.keys(ASSETS).find((n) => n.endsWith(".css")) }));
  const frame = document.createElement("iframe");
  frame.src = studio + "/";
  document.body.append(frame);
  await new Promise((done) => (frame.onload = done));
  try { got["frame"] = frame.contentDocument.body.innerText; } catch { got["frame"] = "refused"; }
  got["web socket"] = await new Promise((done) => {
    const socket = new WebSocket(studio.replace("http", "ws") + "/api/overview");
    socket.onopen = () => done("open");
    socket.onerror = () => done("refused");
  });
  got["event source"] = await new Promise((done) => {
    const source = new EventSource(studio + "/api/migrations/run", { withCredentials: true });
    source.onopen = () => done("open");
    source.onerror = () => { source.close(); done("refused"); };
  });
  got["beacon"] = String(navigator.sendBeacon(studio + "/api/console/runs", '{"sql":"select 1"}'));
  return got;
}
"""


@asynccontextmanager
async def page_of_another_site(html: str) -> AsyncIterator[int]:
    """Serve one page on a port of loopback; a browser counts it as the same site, another origin."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = html.encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_what_a_page_tries_by_itself_is_refused(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any], host: str
):
    """From another port, whose pages get the cookie sent along, and from another site."""
    site = await open_studio(world)
    visitor = await visit(site)
    page = await visitor.context.new_page()
    async with page_of_another_site("<!doctype html><title>other</title><body></body>") as port:
        await page.goto(f"http://{host}:{port}/")
        assets = "{" + ",".join(f'"{file.name}":1' for file in (BUILT / "assets").iterdir()) + "}"
        got = await page.evaluate(TRIES.replace("ASSETS", f"({assets})"), site.url)
    opaque = {"no-cors", "no-cors post"}  # the answer is there, and the page cannot look inside
    beacon = got.pop("beacon")
    assert beacon in {
        "true",
        "false",
    }  # it is sent without our header, and refused: see test_hostile.py
    for name, result in got.items():
        assert result == "refused" or (name in opaque and result.startswith("opaque 0 ")), got
    assert len(got) == 14
    history = await visitor.page.evaluate(
        'fetch("/api/console/history", { headers: { "x-chatkeep-studio": "1" } }).then((r) => r.json())'
    )
    assert history["entries"] == []  # nothing of it was run
    await page.close()


async def test_a_form_of_another_site_changes_nothing(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any]
):
    site = await open_studio(world, write=True)
    visitor = await visit(site)
    form = (
        f'<form method="post" enctype="text/plain" action="{site.url}/api/figures/sessions/revoke-all">'
        f'<input name=\'{{"user":"{ADA}","x":"\' value=\'"}}\'><button>Win a prize</button></form>'
    )
    page = await visitor.context.new_page()
    async with page_of_another_site(form) as port:
        await page.goto(f"http://127.0.0.1:{port}/")
        await page.get_by_role("button").click()
        await page.wait_for_url(site.url + "/**")
        assert "foreign_request" in await page.content()
    await page.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_link_with_the_token_lets_in_from_a_terminal_in_a_browser(
    world: str, open_studio: Callable[..., Any], chromium: Any, host: str
):
    site = await open_studio(world)
    context = await chromium.new_context()
    page = await context.new_page()
    async with page_of_another_site(f'<a href="{site.addresses[-1]}">open</a>') as port:
        await page.goto(f"http://{host}:{port}/")
        await page.get_by_role("link").click()
        await page.wait_for_url(site.url + "/")
        await page.get_by_role("navigation").first.wait_for()
        assert "token" not in await page.evaluate("location.href + document.referrer")
    cookies = await context.cookies()
    assert [(c["httpOnly"], c["sameSite"], c["path"]) for c in cookies] == [(True, "Strict", "/")]
    assert await page.evaluate("document.cookie") == ""
    await page.go_back()
    await page.go_forward()
    await page.get_by_role("navigation").first.wait_for()
    assert "token" not in page.url
    await context.close()


async def test_a_second_browser_is_told_what_to_do(
    world: str, open_studio: Callable[..., Any], visit: Callable[..., Any], chromium: Any
):
    site = await open_studio(world)
    used = site.addresses[-1]
    await visit(site)
    context = await chromium.new_context()
    page = await context.new_page()
    await page.goto(used)
    assert (
        await page.get_by_role("heading").text_content() == "This studio is closed to this browser"
    )
    await page.goto(site.addresses[-1])  # what the terminal shows after the first was used
    await page.get_by_role("navigation").first.wait_for()
    await context.close()
