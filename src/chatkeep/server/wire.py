"""One question to a PostgreSQL server, over its own protocol, with the standard library alone.

The supervisor must start in a few milliseconds and a status must never trust a process id, so
both ask the server a real `SELECT 1`. Everything else in chatkeep uses asyncpg.
"""

import base64
import hashlib
import hmac
import secrets
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_PROTOCOL = 196608  # 3.0
_SCRAM = b"SCRAM-SHA-256"


class WireError(Exception):
    """The server answered with an error; `sqlstate` is its code, or empty."""

    def __init__(self, message: str, sqlstate: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


@dataclass(frozen=True, slots=True)
class Login:
    """Where and as whom to ask."""

    socket_dir: Path
    password: str = field(repr=False)
    user: str = "postgres"
    port: int = 5432


def ask(login: Login, database: str, sql: str, *, timeout: float = 5.0) -> str | None:
    """Run one statement and give the first value of its first row, or None.

    Raises:
        OSError: Nobody listens on the socket, or it did not answer in time.
        WireError: The server refused, or does not speak the protocol.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(timeout)
        link.connect(f"{login.socket_dir}/.s.PGSQL.{login.port}")
        words = ["user", login.user, "database", database, "application_name", "chatkeep", ""]
        body = b"\0".join(word.encode() for word in words) + b"\0"
        link.sendall(struct.pack("!ii", len(body) + 8, _PROTOCOL) + body)
        _authenticate(link, login)
        for kind, _ in _messages(link):
            if kind == b"Z":
                break
        link.sendall(_frame(b"Q", sql.encode() + b"\0"))
        value: str | None = None
        for kind, content in _messages(link):
            if kind == b"D" and value is None:
                (length,) = struct.unpack_from("!i", content, 2)
                value = content[6 : 6 + length].decode() if length >= 0 else None
            if kind == b"Z":
                break
        link.sendall(_frame(b"X", b""))
        return value


def _frame(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _receive(link: socket.socket, size: int) -> bytes:
    chunks = bytearray()
    while len(chunks) < size:
        chunk = link.recv(size - len(chunks))
        if not chunk:
            raise ConnectionResetError("the server closed the connection")
        chunks += chunk
    return bytes(chunks)


def _messages(link: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    while True:
        head = _receive(link, 5)
        content = _receive(link, struct.unpack("!i", head[1:])[0] - 4)
        if head[:1] == b"E":
            parts = {part[:1]: part[1:].decode("utf-8", "replace") for part in content.split(b"\0")}
            raise WireError(parts.get(b"M", "unknown error"), parts.get(b"C", ""))
        yield head[:1], content


def _authenticate(link: socket.socket, login: Login) -> None:
    nonce = secrets.token_urlsafe(18)
    bare = f"n=,r={nonce}"
    proof_of_server = b""
    for kind, content in _messages(link):
        (step,) = struct.unpack_from("!i", content) if kind == b"R" else (-1,)
        if step == 0:
            return
        if step == 10:
            first = f"n,,{bare}".encode()
            body = _SCRAM + b"\0" + struct.pack("!i", len(first)) + first
            link.sendall(_frame(b"p", body))
        elif step == 11:
            final, proof_of_server = _scram(login.password, bare, content[4:].decode(), nonce)
            link.sendall(_frame(b"p", final))
        elif step == 12:
            if content[4:] != proof_of_server:
                raise WireError("the server does not know the password itself")
        elif kind == b"R":
            raise WireError("the server asks for a login that is not SCRAM")


def _scram(password: str, bare: str, challenge: str, nonce: str) -> tuple[bytes, bytes]:
    """RFC 5802: our final message, and the answer that a true server must give."""
    fields = dict(part.split("=", 1) for part in challenge.split(","))
    if not fields["r"].startswith(nonce):
        raise WireError("the server did not repeat our nonce")
    salted = hashlib.pbkdf2_hmac(
        "sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"])
    )
    without_proof = f"c=biws,r={fields['r']}"
    signed = f"{bare},{challenge},{without_proof}".encode()
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
    final = f"{without_proof},p={base64.b64encode(proof).decode()}".encode()
    return final, b"v=" + base64.b64encode(server)
