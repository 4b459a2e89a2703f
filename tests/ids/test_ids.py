"""Identifiers: their form, their order, and that no two are alike."""

import threading
import uuid

from chatkeep import ids


def test_new_uuid7_is_a_uuid_of_version_7():
    made = uuid.UUID(ids.new_uuid7())
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_ids_rise_within_a_process_however_fast_they_are_made():
    made = [ids.new_uuid7() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_ids_rise_when_the_clock_is_set_back(monkeypatch):
    before = ids.new_uuid7()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_000_000_000)
    assert ids.new_uuid7() > before


def test_threads_never_make_the_same_id():
    made: list[str] = []

    def work() -> None:
        made.extend([ids.new_message_id() for _ in range(2_000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


def test_prefixes_are_the_seeds():
    assert ids.new_chat_id().startswith("chat_")
    assert ids.new_message_id().startswith("msg_")
    assert uuid.UUID(ids.new_user_id()).version == 4
    assert len(ids.new_session_token()) == 43
