"""How Redis is reached: URLs, what is never said, and that nobody needs the package without one."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chatkeep.cache.options import SearchCacheOptions
from chatkeep.cache.redis_place import RedisPlace, open_redis
from chatkeep.errors import InvalidUrlError
from fixtures.redis import RedisServer, free_port, redis_program
from fixtures.redis_places import Clock, entry, key, opened_place

SECRET = "hidden-word"


async def works(place: RedisPlace) -> bool:
    try:
        return await place.tier.put(key("a"), entry("a")) and (
            await place.tier.get(key("a")) is not None
        )
    finally:
        await place.aclose()


async def test_a_socket_and_another_database(redis_server: RedisServer) -> None:
    assert await works(opened_place(f"unix://{redis_server.folder}/redis.sock", Clock()))
    assert await works(opened_place(f"unix://{redis_server.folder}/redis.sock?db=2", Clock()))
    assert await works(opened_place(redis_server.url.replace("/0", "/1"), Clock()))
    assert {"db0", "db1", "db2"} <= redis_server.client.info("keyspace").keys()


@pytest.mark.parametrize(
    "said",
    ["decode_responses=true", "protocol=3", "socket_timeout=0.000001", "max_connections=1"],
)
async def test_what_a_url_says_of_the_protocol_does_no_harm(
    redis_server: RedisServer, said: str
) -> None:
    assert await works(opened_place(f"{redis_server.url}?{said}", Clock()))


async def test_a_user_with_a_password(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    rights = ["~app:*", "+@read", "+@write", "+@connection", "+eval"]
    redis_server.client.execute_command("ACL", "SETUSER", "app", "on", f">{SECRET}", *rights)
    try:
        assert await works(
            opened_place(f"redis://app:{SECRET}@127.0.0.1:{redis_server.port}", Clock())
        )
        assert not caplog.records
        wrong = opened_place(f"redis://app:{SECRET}2@127.0.0.1:{redis_server.port}", Clock())
        for _ in range(3):
            assert await wrong.tier.get(key("a")) is None
        assert "AuthenticationError" in caplog.text
        assert SECRET not in caplog.text + repr(wrong) + repr(vars(wrong.link))
        await wrong.aclose()
    finally:
        redis_server.client.execute_command("ACL", "DELUSER", "app")


@pytest.mark.needs("redis")
async def test_tls_with_a_certificate_that_is_looked_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, private = own_certificate()
    (tmp_path / "cert.pem").write_bytes(certificate)
    (tmp_path / "key.pem").write_bytes(private)
    port = free_port()
    server = RedisServer(
        redis_program(),
        tmp_path,
        f"tls-port {port}",
        f"tls-cert-file {tmp_path}/cert.pem",
        f"tls-key-file {tmp_path}/key.pem",
        f"tls-ca-cert-file {tmp_path}/cert.pem",
        "tls-auth-clients no",
    )
    try:
        url = f"rediss://localhost:{port}/0"
        assert await works(opened_place(f"{url}?ssl_ca_certs={tmp_path}/cert.pem", Clock()))
        assert not caplog.records
        assert not await works(opened_place(url, Clock()))  # signed by nobody whom we know
    finally:
        server.stop()


def own_certificate() -> tuple[bytes, bytes]:
    """Of localhost, signed by itself."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(private, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return certificate.public_bytes(pem), private.private_bytes(pem, form, plain)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}/word@host:6379/0",  # urlsplit takes the password for a port
        f"http://:{SECRET}@host/0",
        f"redis://:{SECRET}@host:port/0",
        f"redis://:{SECRET}@host/0?socket_timeout=soon",
        f"redis://:{SECRET}@[::1/0",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidUrlError) as caught:
        open_redis(SearchCacheOptions(redis_url=url), "app")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert SECRET not in repr(SearchCacheOptions(redis_url=url))


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**kept, **environment},
        cwd=Path(__file__).parent,
    )


OPEN = (
    "import sys\n"
    "from chatkeep.cache.options import SearchCacheOptions\n"
    "from chatkeep.cache.redis_place import open_redis\n"
)


def test_without_a_url_there_is_no_redis_and_its_package_is_not_loaded() -> None:
    code = OPEN + "assert open_redis(SearchCacheOptions(), 'app') is None\n"
    done = run(code + "assert not [name for name in sys.modules if name.split('.')[0] == 'redis']")
    assert done.returncode == 0, done.stderr


def test_an_empty_url_is_no_redis_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://localhost/0")
    assert open_redis(SearchCacheOptions(redis_url=""), "app") is None


def test_a_url_without_the_package_says_what_to_install() -> None:
    code = "import sys\nsys.modules['redis'] = None\n" + OPEN
    done = run(
        code + "open_redis(SearchCacheOptions(), 'app')",
        REDIS_URL=f"redis://:{SECRET}@localhost/0",
    )
    assert done.returncode == 1
    assert "pip install 'chatkeep[redis]'" in done.stderr
    assert "ConfigError" in done.stderr
    assert SECRET not in done.stderr
