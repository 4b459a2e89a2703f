"""One question to a server: what counts as an answer, and what as silence."""

import socket
import threading
import time

import pytest

from chatkeep.server.probe import Login, RefusedError, ask


@pytest.fixture
def login(pg18):
    return Login(pg18.socket_dir, "unused: the test servers trust")


def test_the_first_value_comes_as_text(login):
    assert ask(login, "postgres", "SELECT 41 + 1, 2") == "42"
    assert ask(login, "postgres", "SELECT NULL") is None
    assert ask(login, "postgres", "SELECT 1 WHERE false") is None


async def test_it_may_be_asked_where_a_loop_runs(login):
    assert ask(login, "postgres", "SELECT 1") == "1"


def test_a_refusal_has_its_code(login):
    with pytest.raises(RefusedError) as caught:
        ask(login, "no_such_database", "SELECT 1")
    assert caught.value.sqlstate == "3D000"


def test_variables_of_the_environment_change_nothing(login, monkeypatch):
    for name in ("PGHOST", "PGUSER", "PGDATABASE", "PGTARGETSESSIONATTRS", "PGSSLMODE"):
        monkeypatch.setenv(name, "standby" if name == "PGTARGETSESSIONATTRS" else "disable")
    assert ask(login, "postgres", "SELECT current_user::text") == "postgres"


def test_nobody_there_is_silence(project):
    with pytest.raises(FileNotFoundError):
        ask(Login(project, "x"), "postgres", "SELECT 1")


def hang_up(listener):
    listener.accept()[0].close()


@pytest.mark.parametrize(
    ("hangs_up", "error"), [(True, ConnectionResetError), (False, TimeoutError)]
)
def test_a_listener_that_says_nothing_is_silence(project, hangs_up, error):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(project / ".s.PGSQL.5432"))
        listener.listen()
        if hangs_up:
            threading.Thread(target=hang_up, args=[listener]).start()
        with pytest.raises(error):
            ask(Login(project, "x"), "postgres", "SELECT 1", timeout=0.3)


def test_an_answer_that_takes_too_long_is_silence(login):
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(login, "postgres", "SELECT pg_sleep(20)", timeout=0.3)
    assert time.monotonic() - begin < 5
