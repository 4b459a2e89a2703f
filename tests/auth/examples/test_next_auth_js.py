"""examples/next_auth_js: Auth.js signs in at the Node front, the Python back knows who is calling."""

from collections.abc import Callable

import httpx
import pytest

from auth.examples.conftest import SECRET, Running

pytestmark = pytest.mark.needs("node")

COOKIE = "authjs.session-token"


def sign_in(app: Running, email: str) -> None:
    """Ask for a link by e-mail, and follow it."""
    csrf = app.browser.get(f"{app.front_url}/api/auth/csrf").json()["csrfToken"]
    app.browser.post(
        f"{app.front_url}/api/auth/signin/email", data={"csrfToken": csrf, "email": email}
    )
    link = app.front.wait_for(rf"sign-in link for {email}: (\S+)")
    assert app.browser.get(link).status_code == 302


def sign_out(app: Running) -> None:
    csrf = app.browser.get(f"{app.front_url}/api/auth/csrf").json()["csrfToken"]
    app.browser.post(f"{app.front_url}/api/auth/signout", data={"csrfToken": csrf})
    assert COOKIE not in app.browser.cookies


def test_database_sessions(run_example: Callable[..., Running]) -> None:
    app = run_example("next_auth_js", AUTH_SECRET=SECRET)
    assert app.call("me").status_code == 401
    assert app.call_with({COOKIE: "0b2c4a6e-forged"}) == 401

    sign_in(app, "ada@example.com")
    me = app.call("me").json()
    assert me["email"] == "ada@example.com"
    assert me["emailVerified"] is not None
    chat = app.call("chats", method="POST", json={"title": "From the back"}).json()
    assert chat["userId"] == me["id"]
    said = {"role": "user", "content": "Hello"}
    assert app.call(f"chats/{chat['id']}/messages", method="POST", json=said).status_code == 201
    assert [each["title"] for each in app.call("chats").json()["items"]] == ["From the back"]

    adas = app.browser.cookies[COOKIE]
    app.browser.cookies.clear()
    sign_in(app, "bob@example.com")
    assert app.call("chats").json()["items"] == []
    assert app.call(f"chats/{chat['id']}/messages").json()["code"] == "chat_not_found"

    elsewhere = {"origin": "https://evil.example"}
    refused = app.call("chats", method="POST", json={"title": "Not mine"}, headers=elsewhere)
    assert refused.status_code == 403

    bobs = app.browser.cookies[COOKIE]
    sign_out(app)
    assert app.call("me").status_code == 401
    assert app.call_with({COOKIE: bobs}) == 401  # the row is gone: kept cookies are worth nothing
    assert app.call_with({COOKIE: adas}) == 200


def test_jwt_sessions_and_the_names_of_https(run_example: Callable[..., Running]) -> None:
    app = run_example("next_auth_js", AUTH_SECRET=SECRET, AUTH_SESSION="jwt")
    sign_in(app, "ada@example.com")
    assert app.call("me").json()["email"] == "ada@example.com"
    token = app.browser.cookies[COOKIE]
    head, *middle, tag = token.split(".")
    assert app.call_with({COOKIE: ".".join([head, *middle, tag[::-1]])}) == 401
    assert app.call_with({f"__Secure-{COOKIE}": token}) == 401  # made for another name

    # Behind a proxy that ends TLS.
    with httpx.Client(base_url=app.front_url, headers={"x-forwarded-proto": "https"}) as proxied:
        secure = proxied_sign_in(app, proxied, "bob@example.com")
    assert set(secure) == {f"__Secure-{COOKIE}"}
    assert app.call_with(secure) == 200

    sign_out(app)
    assert app.call("me").status_code == 401
    assert app.call_with({COOKIE: token}) == 200  # until it ends: nothing can take a JWT back


def proxied_sign_in(app: Running, proxied: httpx.Client, email: str) -> dict[str, str]:
    """Sign in over what the front takes for https; give the session's cookie.

    The jar sends no secure cookie over http, so they are sent by hand.
    """
    cookies: dict[str, str] = {}

    def call(method: str, path: str, **options: object) -> httpx.Response:
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        answer = proxied.request(method, path, headers={"cookie": header}, **options)
        cookies.update({each.name: each.value or "" for each in answer.cookies.jar})
        return answer

    csrf = call("GET", "/api/auth/csrf").json()["csrfToken"]
    call("POST", "/api/auth/signin/email", data={"csrfToken": csrf, "email": email})
    link = app.front.wait_for(rf"sign-in link for {email}: (\S+)")
    call("GET", link.replace("https://", "http://"))
    return {name: value for name, value in cookies.items() if "session-token" in name}
