"""examples/next_better_auth: Better Auth signs in at the front, the Python back knows who calls."""

from collections.abc import Callable

import pytest

from auth.examples.conftest import SECRET, Running

pytestmark = pytest.mark.needs("node")

COOKIE = "better-auth.session_token"


def post(app: Running, path: str, **body: str) -> None:
    answer = app.browser.post(f"{app.front_url}/api/auth/{path}", json=body)
    assert answer.status_code == 200, answer.text


def sign_up(app: Running, name: str) -> None:
    email = f"{name.lower()}@example.com"
    post(app, "sign-up/email", name=name, email=email, password=f"{name}'s long password")


def test_sign_up_in_out_and_deletion(run_example: Callable[..., Running]) -> None:
    app = run_example("next_better_auth", BETTER_AUTH_SECRET=SECRET)
    assert app.call("me").status_code == 401

    sign_up(app, "Ada")
    me = app.call("me").json()
    assert (me["name"], me["emailVerified"]) == ("Ada", False)
    place = app.call("places", method="POST", json={"name": "Kyoto"}).json()
    assert place["userId"] == me["id"]
    assert [each["name"] for each in app.call("places").json()] == ["Kyoto"]
    elsewhere = {"origin": "https://evil.example"}
    refused = app.call("places", method="POST", json={"name": "Nara"}, headers=elsewhere)
    assert refused.status_code == 403

    adas = app.browser.cookies[COOKIE]
    token, _, signature = adas.rpartition(".")
    assert app.call_with({COOKIE: adas}) == 200
    assert app.call_with({COOKIE: f"{token}.{signature[::-1]}"}) == 401
    assert app.call_with({COOKIE: token}) == 401

    app.browser.cookies.clear()
    sign_up(app, "Bob")
    assert app.call("places").json() == []
    assert app.call(f"places/{place['id']}", method="DELETE").status_code == 404
    bobs = app.browser.cookies[COOKIE]
    post(app, "delete-user", password="Bob's long password")
    assert app.call_with({COOKIE: bobs}) == 401

    app.browser.cookies.clear()
    post(app, "sign-in/email", email="ada@example.com", password="Ada's long password")
    assert app.call("me").json()["id"] == me["id"]
    again = app.browser.cookies[COOKIE]
    post(app, "sign-out")
    assert COOKIE not in app.browser.cookies
    assert app.call_with({COOKIE: again}) == 401
    assert app.call_with({COOKIE: adas}) == 200  # of the other session
