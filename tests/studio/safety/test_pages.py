"""The built files: what is answered, and that no path leads out of them."""

import re
from pathlib import Path

import httpx
import pytest

from chatkeep.errors import ConfigError
from chatkeep.studio.pages import pages
from fixtures.studio import BUILT
from studio.safety.conftest import House

ASSETS = sorted((BUILT / "assets").iterdir())
_OUT = (
    "..", "%2e%2e", "%252e%252e", "..%2f", "..%5c", "..\\", "%5c..%5c", "....//", "%00", "x%00.js",
    "%c0%ae%c0%ae", ".", "", "%2f", "/etc/passwd", "%2fetc%2fpasswd", "C:%5cwindows", "~", "a" * 5000,
    "index.html", "..;", "%ff", "con.js", "file:%2f%2f%2fetc%2fpasswd", "%0d%0a",
)  # fmt: skip


async def test_each_built_file_is_answered_as_what_it_is(inside: httpx.AsyncClient):
    assert ASSETS
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    for file in ASSETS:
        answer = await inside.get(f"/assets/{file.name}")
        assert answer.status_code == 200, file
        assert answer.content == file.read_bytes()
        assert answer.headers["content-type"].startswith(types[file.suffix])
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        if len(answer.content) >= 1024:
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.headers["vary"].lower() == "accept-encoding"
    icon = await inside.get("/icon.svg")
    assert icon.headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("start", ["/assets/", "/", "/assets/../", "/api/"])
async def test_no_path_leads_out(house: House, inside: httpx.AsyncClient, start: str):
    """Sent as they stand: a client would tidy them up."""
    cookie = f"{house.door.cookie}={inside.cookies[house.door.cookie]}"
    for out in _OUT:
        for rest in ("", "/index.html", "/../pages.py", "/..%2fpages.py", "/../../../etc/passwd"):
            status, _, body = await house.ask(
                f"GET {start}{out}{rest} HTTP/1.1\nHost: {house.host}\nX-Chatkeep-Studio: 1\n"
                f"Cookie: {cookie}\nAccept: */*"
            )
            assert status in {404, 405}, (start, out, rest)
            assert body.startswith('{"error":')
            assert "root:" not in body
            assert "import " not in body


async def test_every_address_of_the_browser_is_the_one_page(inside: httpx.AsyncClient):
    for path in ("/", "/tables/public/x?where=a", "/people/demo-ada/sessions", "/%3Cscript%3E"):
        answer = await inside.get(path, headers={"accept": "text/html,*/*"})
        assert answer.status_code == 200
        assert '<base href="/"' in answer.text
        assert "<script>" not in answer.text


def test_the_page_has_no_script_and_no_style_of_its_own():
    text = (BUILT / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    for script in re.findall(r"<script[^>]*>.*?</script>", text, re.DOTALL):
        assert re.fullmatch(
            r'<script type="module" crossorigin src="\./assets/[^"]+"></script>', script
        )
    assert text.count("/__root__/") == 1


def test_without_built_pages_it_says_what_to_run(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"not built.*\./dev front"):
        pages(tmp_path)
