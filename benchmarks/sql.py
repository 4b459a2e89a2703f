"""The plainest SQL for each pattern, written by hand: what a bare driver runs.

`$n` are the driver's parameters. Where an answer can be had in more ways than one, the fastest that
was measured stands here: with asyncpg, a user with two accounts by a join of both tables (42 µs; as
arrays 45), a chat with 100 messages as one row with an array for each column (379 µs; two
statements 478, a join 558). psycopg reads arrays slower than rows and has two statements there.
Messages are inserted from arrays, so that one statement takes any number; exactly ten rows as
`values` would be 8 % faster. The insert is fed by the update's row, as chatkeep's is: the order of
`seq` is then that of the commits.
"""

from benchmarks.patterns import ACCOUNT, CHAT, MESSAGE, SETTINGS, USER

P = "b_"


# Read too, since chatkeep reads them, and compared with nobody: the seed has no such columns.
MORE = {
    CHAT: ("head", "revision", "is_pinned", "is_temporary"),
    MESSAGE: ("parent_id", "parts", "status", "updated_at"),
}


def _columns(names: tuple[str, ...], alias: str = "") -> str:
    names = (*names, *MORE.get(names, ()))
    return ", ".join(f'{alias}"{name}"' for name in names)


USER_BY_EMAIL = f"select {_columns(USER)} from {P}user where lower(email) = lower($1::text)"
USER_BY_ID = f"select {_columns(USER)} from {P}user where id = $1"
ACCOUNTS = f"""select {_columns(ACCOUNT)} from {P}account where user_id = $1
    order by provider, provider_account_id"""
USER_WITH_ACCOUNTS = f"""select {_columns(USER, "u.")}, {_columns(ACCOUNT, "a.")}
    from {P}user u left join {P}account a on a.user_id = u.id where u.id = $1
    order by a.provider, a.provider_account_id"""
CHATS_OF_USER = f"""select {_columns(CHAT)} from {P}chat where user_id = $1
    order by updated_at desc, id desc limit 50"""
CHAT_BY_ID = f"select {_columns(CHAT)} from {P}chat where user_id = $1 and id = $2"
FIRST_MESSAGES = f"""select {_columns(MESSAGE)} from {P}message where user_id = $1 and chat_id = $2
    order by seq limit 100"""
_ARRAYS = ", ".join(f'array_agg("{name}")' for name in (*MESSAGE, *MORE[MESSAGE]))
CHAT_WITH_MESSAGES = f"""select {_columns(CHAT, "c.")}, m.* from {P}chat c, (
        select {_ARRAYS} from ({FIRST_MESSAGES}) f) m
    where c.user_id = $1 and c.id = $2"""
MESSAGES_BEFORE = f"""select {_columns(MESSAGE)} from {P}message
    where user_id = $1 and chat_id = $2 and seq < $3 order by seq desc limit 50"""
SETTINGS_GET = f"select {_columns(SETTINGS)} from {P}user_settings where user_id = $1"
SETTINGS_UPDATE = f"""insert into {P}user_settings (user_id, theme, max_search_results)
    values ($1, $2, $3) on conflict (user_id) do update set theme = excluded.theme,
    max_search_results = excluded.max_search_results, updated_at = now()
    returning {_columns(SETTINGS)}"""
APPEND_MESSAGE = f"""with moved as (
    update {P}chat set updated_at = now() where user_id = $1 and id = $2 returning id, user_id)
    insert into {P}message (id, chat_id, user_id, role, content)
    select $3::text, moved.id, moved.user_id, $4::text, $5::text from moved
    returning {_columns(MESSAGE)}"""
INSERT_MESSAGES = f"""with moved as (
    update {P}chat set updated_at = now() where user_id = $1 and id = $2 returning id, user_id)
    insert into {P}message (id, chat_id, user_id, role, content)
    select given.id, moved.id, moved.user_id, given.role, given.content
    from moved, unnest($3::text[], $4::text[], $5::text[]) with ordinality
        as given (id, role, content, place) order by given.place
    returning {_columns(MESSAGE)}"""
CREATE_CHAT = f"""with made as (insert into {P}chat (id, user_id, title) values ($1, $2, $3)
    returning {_columns(CHAT)}), said as (
    insert into {P}message (id, chat_id, user_id, role, content)
    select $4::text, made.id, made.user_id, $5::text, $6::text from made)
    select {_columns(CHAT)} from made"""
DELETE_CHAT = f"""delete from {P}chat where user_id = $1 and id = $2
    returning {_columns(CHAT)}"""
