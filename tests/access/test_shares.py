"""Chats shared by a link: what a stranger sees, what never, and until when."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text

from chatkeep import (
    END,
    START,
    Chat,
    ChatNotFoundError,
    ChatShareWithToken,
    Database,
    InvalidCursorError,
    InvalidInputError,
    MessageMetadata,
    NewMessage,
    NewUsage,
    ShareNotFoundError,
    Source,
    TokenUsage,
    User,
)
from chatkeep.access.scope import UserScope
from chatkeep.presets import deepsearch

BOTH = pytest.mark.parametrize("kind", ["snapshot", "live"])


def said(*texts: str, role: Any = "user") -> list[NewMessage]:
    return [NewMessage(role=role, content=text) for text in texts]


async def read(db: Database, share: ChatShareWithToken, limit: int = 50) -> list[str]:
    """Give everything a stranger sees, oldest first, page by page."""
    view, seen, cursor = db.shared(share.token), [], START
    while cursor is not None:
        page = await view.list(limit, after=cursor)
        seen += [message.content for message in page.items]
        cursor = page.next_cursor
    back: list[str] = []
    cursor = END
    while cursor is not None:
        page = await view.list(limit, before=cursor)
        back += [message.content for message in page.items]
        cursor = page.next_cursor
    assert back == seen[::-1]
    return seen


@BOTH
async def test_a_stranger_reads_title_and_messages(
    db: Database, mine: UserScope, chat: Chat, kind: Any
) -> None:
    await mine.messages.append(chat.id, *said("1", "2", "3"))
    share = await mine.shares.create(chat.id, kind=kind)
    assert share.token not in repr(share)
    view = db.shared(share.token)
    shown = await view.get()
    assert (shown.title, shown.kind, shown.shared_at) == (chat.title, kind, share.created_at)
    with db.statements() as sent:
        page = await view.list(limit=2)
        older = await view.list(limit=2, before=page.next_cursor)
        newer = await view.list(limit=2, after=older.previous_cursor)
    assert sent.names == ["chat_shares.shared_list_before"] * 2 + ["chat_shares.shared_list_after"]
    assert [[m.content for m in p.items] for p in (page, older, newer)] == [
        ["3", "2"],
        ["1"],
        ["2", "3"],
    ]


@BOTH
async def test_nothing_that_is_the_owners_alone_is_shown(
    db: Database, user: User, mine: UserScope, chat: Chat, kind: Any
) -> None:
    """Each value that a stranger must not see is marked, and looked for in all that they get."""
    source = Source(title="T", url="https://example.com", snippet="s")
    secret = MessageMetadata(search_query="secret-query", model="secret-model")
    secret.tokens = TokenUsage(prompt=424242, completion=424242, total=848484)
    (answer,) = await mine.messages.append(
        chat.id,
        NewMessage(
            role="assistant", content="a", sources=[source], metadata=secret, parts={"text": "a"}
        ),
    )
    await mine.messages.append(chat.id, *said("secret-prompt", role="system"))
    await mine.messages.append(chat.id, *said("secret-result", role="tool"))
    await mine.usage.record(answer.id, NewUsage(model="secret-model", prompt_tokens=424242))
    await mine.feedback.give(answer.id, vote=-1, comment="secret-comment")
    share = await mine.shares.create(chat.id, kind=kind)
    view = db.shared(share.token)
    page = await view.list()
    told = (await view.get()).to_json() + page.to_json()
    for word in ("secret", "424242", user.id, str(user.email), chat.id, share.id):
        assert word.encode() not in told
    assert json.loads(page.items[0].to_json()) == {
        "id": answer.id,
        "role": "assistant",
        "content": "a",
        "sources": [msgspec.to_builtins(source)],
        "parts": {"text": "a"},
        "status": "complete",
        "createdAt": json.loads(answer.to_json())["createdAt"],
    }
    roles = [message.role for message in (await view.list(roles=["tool", "system"])).items]
    assert roles == ["tool", "system"]


async def test_a_page_is_full_whatever_is_left_out(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    for n in range(6):
        await mine.messages.append(chat.id, *said(f"{n}"))
        await mine.messages.append(chat.id, *said("result", "result", role="tool"))
    live = await mine.shares.create(chat.id, kind="live")
    assert [m.content for m in (await db.shared(live.token).list(4)).items] == ["5", "4", "3", "2"]
    (first,) = (await mine.messages.list(chat.id, 1, after=START)).items
    await mine.messages.append(chat.id, NewMessage(role="tool", content="x", parent_id=first.id))
    tip = (await mine.chats.tree(chat.id)).items[-2]
    await mine.chats.move_head(chat.id, tip.id)
    assert [m.content for m in (await db.shared(live.token).list(4)).items] == ["5", "4", "3", "2"]
    assert await read(db, live, 1) == await read(db, live) == ["0", "1", "2", "3", "4", "5"]


async def test_a_snapshot_stays_and_a_live_share_follows(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    one, two = await mine.messages.append(chat.id, *said("1", "2"))
    snapshot = await mine.shares.create(chat.id)
    live = await mine.shares.create(chat.id, kind="live")
    assert (snapshot.kind, snapshot.head, snapshot.title) == ("snapshot", two.id, chat.title)
    assert (live.kind, live.head, live.title) == ("live", None, None)

    (three,) = await mine.messages.append(chat.id, *said("3"))
    await mine.chats.update(chat.id, title="renamed")
    assert (await read(db, snapshot), await read(db, live)) == (["1", "2"], ["1", "2", "3"])
    titles = [(await db.shared(share.token).get()).title for share in (snapshot, live)]
    assert titles == [chat.title, "renamed"]

    await mine.messages.edit(two.id, *said("2b"))  # now the chat has branches
    assert (await read(db, snapshot), await read(db, live)) == (["1", "2"], ["1", "2b"])
    await mine.messages.edit(one.id, *said("1b"))
    assert (await read(db, snapshot), await read(db, live)) == (["1", "2"], ["1b"])
    await mine.chats.move_head(chat.id, three.id)
    assert (await read(db, snapshot), await read(db, live)) == (["1", "2"], ["1", "2", "3"])
    assert await read(db, snapshot, 1) == ["1", "2"]


async def test_a_snapshot_of_a_branch_is_that_branch(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    _, two, three = await mine.messages.append(chat.id, *said("1", "2", "3"))
    await mine.messages.edit(two.id, *said("2b"))
    other = await mine.shares.create(chat.id)
    await mine.chats.move_head(chat.id, three.id)
    first = await mine.shares.create(chat.id)
    assert (await read(db, other), await read(db, first)) == (["1", "2b"], ["1", "2", "3"])


@BOTH
@pytest.mark.parametrize("is_branched", [False, True])
async def test_what_is_deleted_is_gone_from_a_share(
    db: Database, mine: UserScope, chat: Chat, kind: Any, *, is_branched: bool
) -> None:
    stored = await mine.messages.append(chat.id, *said("1", "2", "3", "4"))
    if is_branched:
        await mine.messages.edit(stored[0].id, *said("1b"))
        await mine.chats.move_head(chat.id, stored[3].id)
    share = await mine.shares.create(chat.id, kind=kind)
    await mine.messages.delete(stored[1].id)
    assert await read(db, share) == ["1", "3", "4"]
    await mine.messages.delete(stored[3].id)  # with which the snapshot ends
    assert await read(db, share) == ["1", "3"]
    await mine.messages.restore(stored[3].id)
    assert await read(db, share) == ["1", "3", "4"]
    await mine.messages.delete(stored[3].id, hard=True)
    await mine.messages.delete(stored[2].id, hard=True)
    assert await read(db, share) == ["1"]
    await mine.messages.append(chat.id, *said("5"))
    assert await read(db, share) == (["1"] if kind == "snapshot" else ["1", "5"])
    await mine.messages.restore(stored[1].id)
    assert (await read(db, share))[:2] == ["1", "2"]


@BOTH
async def test_a_chat_in_the_trash_is_not_shown_until_it_is_back(
    db: Database, mine: UserScope, chat: Chat, kind: Any
) -> None:
    await mine.messages.append(chat.id, *said("1"))
    share = await mine.shares.create(chat.id, kind=kind)
    await mine.chats.delete(chat.id)
    await leads_nowhere(db, share.token)
    with pytest.raises(ChatNotFoundError):
        await mine.shares.list(chat.id)
    with pytest.raises(ChatNotFoundError):
        await mine.shares.create(chat.id)
    await mine.chats.restore(chat.id)
    assert await read(db, share) == ["1"]
    await mine.chats.delete(chat.id, hard=True)
    await leads_nowhere(db, share.token)


async def leads_nowhere(db: Database, token: str) -> None:
    """Each call says the same, word for word, whatever the reason."""
    view = db.shared(token)
    for call in (view.get(), view.list(), view.list(after=START)):
        with pytest.raises(ShareNotFoundError) as caught:
            await call
        assert str(caught.value) == "No such link, or it leads nowhere any more."


@BOTH
async def test_revoked_expired_and_unknown_links_look_alike(
    db: Database, mine: UserScope, chat: Chat, kind: Any
) -> None:
    await mine.messages.append(chat.id, *said("1"))
    now = datetime.now(UTC)
    expired = await mine.shares.create(chat.id, kind, now - timedelta(seconds=1))
    revoked = await mine.shares.create(chat.id, kind, now + timedelta(days=1))
    assert await read(db, revoked) == ["1"]
    first = await mine.shares.revoke(revoked.id)
    again = await mine.shares.revoke(revoked.id)
    assert first.revoked_at is not None
    assert first.revoked_at == again.revoked_at
    unknown = [revoked.token[:-1], revoked.token + "=", "", "x" * 43, "\0", "\ud800", revoked.id]
    for token in (expired.token, revoked.token, *unknown):
        await leads_nowhere(db, token)


async def test_only_the_hash_of_a_token_is_stored(
    db: Database, schema: deepsearch.Schema, mine: UserScope, chat: Chat
) -> None:
    share = await mine.shares.create(chat.id)
    assert len(share.token) == 43  # 256 bits in base64
    other = await mine.shares.create(chat.id)
    assert other.token != share.token
    table = schema.tables["chat_shares"]
    stored = await db.scalar(select(table.c.token_hash).where(table.c.id == share.id))
    assert stored == hashlib.sha256(share.token.encode()).digest()
    found = await db.all(
        text(f'select s::text as row from "{table.name}" s').columns(table.c.title)
    )
    assert found
    assert share.token not in str(found)
    (listed, _) = (await mine.shares.list(chat.id)).items[::-1]
    assert not hasattr(listed, "token")


async def test_a_list_has_all_shares_of_one_chat_in_pages(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    other = await mine.chats.create(title="other")
    await mine.shares.create(other.id)
    made = [await mine.shares.create(chat.id) for _ in range(3)]
    await mine.shares.revoke(made[1].id)
    for shares in (mine.shares, db.shares):
        page = await shares.list(chat.id, 2)
        rest = await shares.list(chat.id, 2, after=page.next_cursor)
        assert [share.id for share in page.items + rest.items] == [s.id for s in made[::-1]]
        assert rest.next_cursor is None
    with pytest.raises(InvalidCursorError):
        await mine.shares.list(other.id, after=page.next_cursor)
    empty = await mine.chats.create(title="empty")
    assert (await mine.shares.list(empty.id)).items == []


async def test_a_stranger_shares_and_revokes_nothing(
    db: Database, mine: UserScope, chat: Chat, stranger: User
) -> None:
    await mine.messages.append(chat.id, *said("1"))
    share = await mine.shares.create(chat.id)
    theirs = db.as_user(stranger.id).shares
    for call in (theirs.create(chat.id), theirs.list(chat.id), mine.shares.create("chat_none")):
        with pytest.raises(ChatNotFoundError):
            await call
    for call in (theirs.revoke(share.id), mine.shares.revoke("share_none")):
        with pytest.raises(ShareNotFoundError):
            await call
    assert await read(db, share) == ["1"]
    await db.shares.revoke(share.id)
    await leads_nowhere(db, share.token)


@BOTH
async def test_an_empty_chat_is_shown_empty(
    db: Database, mine: UserScope, chat: Chat, kind: Any
) -> None:
    share = await mine.shares.create(chat.id, kind=kind)
    assert await read(db, share) == []
    await mine.messages.append(chat.id, *said("1"))
    assert await read(db, share) == ([] if kind == "snapshot" else ["1"])


@BOTH
async def test_of_a_branch_that_is_gone_nothing_is_shown_and_no_other_branch(
    db: Database, mine: UserScope, chat: Chat, kind: Any
) -> None:
    (hidden,) = await mine.messages.append(chat.id, *said("hidden"))
    beside = await mine.messages.edit(hidden.id, *said("beside"))
    await mine.messages.delete(beside.id, hard=True)
    share = await mine.shares.create(chat.id, kind=kind)
    assert (await mine.messages.list(chat.id)).items == []
    assert await read(db, share) == []


async def test_what_cannot_be_is_refused(db: Database, mine: UserScope, chat: Chat) -> None:
    await mine.messages.append(chat.id, *said("1", "2"))
    one, two = [await mine.shares.create(chat.id) for _ in range(2)]
    page = await db.shared(one.token).list(1)
    with pytest.raises(InvalidCursorError):
        await db.shared(two.token).list(before=page.next_cursor)
    view, bad = db.shared(one.token), datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point
    for call in (
        mine.shares.create(chat.id, kind="public"),  # type: ignore[arg-type]
        mine.shares.create(chat.id, expires_at=bad),
        view.list(limit=0),
        view.list(after=START, before=END),
        view.list(roles=["owner"]),  # type: ignore[list-item]
    ):
        with pytest.raises(InvalidInputError):
            await call
    with pytest.raises(InvalidInputError):
        db.shared(None)  # type: ignore[arg-type]


async def test_a_link_is_read_inside_a_transaction_too(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    async with db.transaction() as tx:
        scope = tx.as_user(mine.user_id)
        await scope.messages.append(chat.id, *said("1"))
        share = await scope.shares.create(chat.id, kind="live")
        assert [m.content for m in (await tx.shared(share.token).list()).items] == ["1"]
    assert await read(db, share) == ["1"]
