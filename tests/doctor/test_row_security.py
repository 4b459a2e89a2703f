"""Row-level security that is there in part; after each mend the table's owner still reads and writes."""

import asyncpg
import pytest

from chatkeep import Database, NewMessage, NewUser
from chatkeep.doctor import Options, Severity, diagnose
from doctor.conftest import Admit, Kept, Patient

ROLE = "doctor_app"
OWNER = "doctor_maker"
SECURED = Kept(prefix="x_", security="rls", app_role=ROLE)


@pytest.fixture
async def secured(admit: Admit) -> Patient:
    return await admit(SECURED)


async def owned(patient: Patient, table: str) -> None:
    """Give a table to a role that FORCE binds."""
    await patient.run(
        f"DO $$ BEGIN CREATE ROLE {OWNER}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"ALTER TABLE {table} OWNER TO {OWNER}",
    )


async def seen(patient: Patient, table: str, role: str = OWNER, user: str = "") -> list[str]:
    """Write a row of user `a` as the role where it may, and give the users whose rows it sees."""
    async with patient.connection.transaction():
        await patient.run(f"SET LOCAL ROLE {role}", f"SET LOCAL chatkeep.user_id = '{user}'")
        if role == OWNER:
            await patient.run(f"INSERT INTO {table} (user_id) VALUES ('a')")
        rows = await patient.connection.fetch(
            f"SELECT DISTINCT user_id::text FROM {table} ORDER BY 1"
        )
    return [row[0] for row in rows]


async def test_row_security_that_is_half_on(secured: Patient):
    await secured.run(
        "ALTER TABLE x_chat DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE x_message NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY trusted ON x_message",
        "CREATE TABLE note (user_id text)",
        "INSERT INTO note VALUES ('a'), ('b')",
        f"GRANT SELECT ON note TO {ROLE}, pg_monitor",
    )
    await owned(secured, "note")
    await owned(secured, "x_message")
    found = await secured.find("row-security-off")
    assert [(each.about, each.severity.value) for each in found] == [
        ('table "public"."x_chat"', "error"),
        ('table "public"."x_message"', "error"),
        ('table "public"."note"', "warning"),
    ]
    assert "and pg_monitor none" in found[2].message
    assert await secured.find("policy-missing") == []  # one command for both
    for each in found:
        await secured.mend(each)
    assert await secured.find("row-security-off") == []
    assert await secured.find("policy-missing") == []
    assert await seen(secured, "note") == ["a", "b"]
    assert await seen(secured, "note", ROLE, "b") == ["b"]
    assert await seen(secured, "note", ROLE) == []
    roles = "SELECT roles::text FROM pg_policies WHERE tablename = 'x_message' ORDER BY policyname"
    policies = await secured.connection.fetch(roles)
    assert [row[0] for row in policies] == [f"{{{ROLE}}}", f"{{{OWNER}}}"]


@pytest.mark.parametrize(
    ("table", "given", "rule"),
    [
        ("user_id text", "", "FORCE ROW LEVEL SECURITY"),
        ("user_id uuid", "", ""),
        ("user_id text", f"CREATE POLICY trusted ON note TO {ROLE} USING (false)", ""),
    ],
)
async def test_a_table_of_ones_own_stays_open_to_its_owner(
    secured: Patient, table: str, given: str, rule: str
):
    await secured.run(f"CREATE TABLE note ({table})", f"GRANT SELECT ON note TO {ROLE}")
    await owned(secured, "note")
    if rule:
        await secured.run(f"ALTER TABLE note ENABLE ROW LEVEL SECURITY, {rule}")
        missing = await secured.mends("policy-missing")
        assert missing.severity is Severity.ERROR
        assert "nobody but a superuser" in missing.message
    else:
        await secured.run("ALTER TABLE note ENABLE ROW LEVEL SECURITY", *filter(None, [given]))
        assert len(await secured.find("policy-missing")) == (0 if given else 1)
        await secured.mends("row-security-off")
    assert await secured.find("row-security-off") == []
    assert await secured.find("policy-missing") == []
    async with secured.connection.transaction():
        await secured.run(f"SET LOCAL ROLE {OWNER}")
        user = "00000000-0000-0000-0000-000000000001"
        await secured.run(f"INSERT INTO note VALUES ('{user}')")
        assert await secured.connection.fetchval("SELECT count(*) FROM note") == 1
        await secured.run(f"SET LOCAL ROLE {ROLE}", f"SET LOCAL chatkeep.user_id = '{user}'")
        count = await secured.connection.fetchval("SELECT count(*) FROM note")
        assert count == (0 if given else 1)
        await secured.run("SET LOCAL chatkeep.user_id = 'no uuid'")
        assert await secured.connection.fetchval("SELECT count(*) FROM note") == 0


async def test_a_table_that_the_application_role_owns_is_taken_from_it(secured: Patient):
    await secured.run(
        "CREATE TABLE note (user_id text)",
        "INSERT INTO note VALUES ('a'), ('b')",
        f"ALTER TABLE note OWNER TO {ROLE}",
    )
    await secured.mends("row-security-off")
    assert await seen(secured, "note", ROLE, "b") == ["b"]


async def test_where_no_application_role_is_known_the_rules_are_asked_for(admit: Admit):
    patient = await admit()
    await patient.run(
        "CREATE TABLE mine (id int)",
        "CREATE TABLE note (user_id text)",
        "ALTER TABLE mine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    )
    found = await patient.find("row-security-off")
    assert {each.mend.split()[0] for each in found} == {"SELECT"}
    await owned(patient, "mine")
    assert "only you know" in (await patient.mends("policy-missing")).message
    async with patient.connection.transaction():
        await patient.run(f"SET LOCAL ROLE {OWNER}", "INSERT INTO mine VALUES (1)")
        assert await patient.connection.fetchval("SELECT count(*) FROM mine") == 1


async def test_a_policy_that_is_gone(secured: Patient):
    await secured.run("DROP POLICY own ON x_chat", "DROP POLICY trusted ON x_chat")
    for each in await secured.find("policy-missing"):
        await secured.mend(each)
    assert await secured.find("policy-missing") == []


async def test_a_role_that_policies_do_not_bind(secured: Patient):
    await secured.run(f"ALTER ROLE {ROLE} BYPASSRLS")
    await secured.mends("row-security-bypassed")
    await secured.run(f"ALTER TABLE x_chat OWNER TO {ROLE}")
    await secured.mends("row-security-bypassed")
    await secured.run(
        "DROP ROLE IF EXISTS doctor_owner", "CREATE ROLE doctor_owner",
        "ALTER TABLE x_chat OWNER TO doctor_owner", f"GRANT doctor_owner TO {ROLE}",
    )  # fmt: skip
    assert "member of doctor_owner" in (await secured.mends("row-security-bypassed")).message
    await secured.run("ALTER TABLE x_chat OWNER TO postgres", "DROP ROLE doctor_owner")


async def test_rows_that_row_security_hides_are_not_called_healthy(secured: Patient):
    role = "doctor_blind"
    await secured.run(
        f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role} LOGIN",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
    )  # fmt: skip
    url = secured.url.replace("postgres@", f"{role}@")
    options = Options(only=("parent-missing", "row-security-bypassed"))
    report = await diagnose(secured.schema, url, options)
    await secured.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    assert "hides rows" in report.unseen[0].reason
    (found,) = report.findings
    assert found.mend == f'GRANT "{ROLE}" TO "{role}";'


@pytest.mark.parametrize(
    ("shown", "hidden", "check"),
    [
        ("x_message", "x_chat", "orphaned-rows"),
        ("x_chat", "x_message", "orphaned-rows"),
        ("x_chat", "x_message", "head-missing"),
    ],
)
async def test_a_row_that_is_hidden_is_not_gone(
    secured: Patient, shown: str, hidden: str, check: str
):
    async with Database(secured.schema, secured.url) as db:
        user = await db.users.create(NewUser(email="ada@example.com"))
        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="Talk")
        await mine.messages.append(chat.id, NewMessage(role="user", content="Why?"))
    role = "doctor_half_blind"
    (key,) = await secured.connection.fetchrow(
        "SELECT conname::text FROM pg_constraint WHERE contype = 'f' "
        "AND conrelid = 'x_message'::regclass AND confrelid = 'x_chat'::regclass"
    )
    await secured.run(
        f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role} LOGIN",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        f"CREATE POLICY all_rows ON {shown} TO {role} USING (true)",
        f'ALTER TABLE x_message DROP CONSTRAINT "{key}"',
    )  # fmt: skip
    url = secured.url.replace("postgres@", f"{role}@")
    report = await diagnose(secured.schema, url, Options(only=(check,)))
    # Owners too see nothing under FORCE once the policy for them is gone, or another one takes away.
    await secured.run(
        f"CREATE POLICY all_rows ON {hidden} TO {role} USING (true)",
        f"CREATE POLICY fewer ON {hidden} AS RESTRICTIVE TO {role} USING (user_id = 'b')",
    )
    restricted = await diagnose(secured.schema, url, Options(only=(check,)))
    await secured.run(f"DROP POLICY fewer ON {hidden}")
    whole = await diagnose(secured.schema, url, Options(only=(check,)))
    await secured.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    for each in (report, restricted):
        assert each.findings == ()
        reason = f'row-level security hides rows of "public"."{hidden}" from the role {role}'
        assert [unseen.reason for unseen in each.unseen] == [reason]
    assert (whole.findings, whole.unseen) == ((), ())


@pytest.mark.parametrize(
    ("server", "granted", "helped"),
    [
        ("pg18", "INSERT ON x_message TO doctor_writer, doctor_heir", "doctor_writer"),
        ("pg18", "UPDATE (content) ON x_message TO doctor_writer", "doctor_writer"),
        ("pg18", "ALL ON x_message TO PUBLIC", "PUBLIC"),
        pytest.param(
            *("pg15", "pg_write_all_data TO doctor_writer", "doctor_writer"),
            marks=pytest.mark.needs("pg15"),
        ),
    ],
)
async def test_a_role_that_may_write_messages_and_not_run_their_functions(
    admit: Admit, request: pytest.FixtureRequest, server: str, granted: str, helped: str
):
    patient = await admit(server=request.getfixturevalue(server))
    await patient.run(
        "DROP ROLE IF EXISTS doctor_writer, doctor_heir",
        "CREATE ROLE doctor_writer", "CREATE ROLE doctor_heir IN ROLE doctor_writer",
        f"GRANT {granted}",
        "INSERT INTO x_user (id, email) VALUES ('a', 'a@example.com')",
        "INSERT INTO x_chat (id, user_id, title) VALUES ('c', 'a', 'Title')",
    )  # fmt: skip
    assert await patient.find("execute-missing") == []
    await patient.run(
        "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO doctor_writer",
    )
    write = "INSERT INTO x_message (id, chat_id, user_id, role, content) "
    write += "VALUES ('m', 'c', 'a', 'user', 'trees')"
    if "content" in granted:
        await patient.run(write)
        write = "UPDATE x_message SET content = 'leaves'"

    async def writes() -> None:
        async with patient.connection.transaction():
            await patient.run("SET LOCAL ROLE doctor_heir", write)

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="x_search_lexemes"):
        await writes()
    found = await patient.mends("execute-missing")
    assert found.severity is Severity.ERROR
    assert found.about == "role " + (helped if helped == "PUBLIC" else f'"{helped}"')
    assert found.mend.count("GRANT EXECUTE") == 2
    await writes()
    await patient.run(
        "DROP OWNED BY doctor_writer, doctor_heir", "DROP ROLE doctor_writer, doctor_heir"
    )
