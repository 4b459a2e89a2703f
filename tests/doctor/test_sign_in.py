"""What a sign-in library left behind; tests/auth/better_auth has the library itself make it."""

import pytest

from chatkeep.doctor import diagnose
from chatkeep.presets import maps
from doctor.conftest import Admit
from fixtures.servers import PgServer

THEIRS = """CREATE TABLE account (id text PRIMARY KEY, issuer text NOT NULL, "accountId" text NOT NULL,
    "providerId" text NOT NULL, "userId" text NOT NULL)"""
OURS = "ALTER TABLE m_accounts ADD COLUMN issuer text NOT NULL"
CHECK = "better-auth-issuer"


@pytest.mark.parametrize(("made", "name"), [(THEIRS, "account"), (OURS, "m_accounts")])
async def test_a_required_issuer(made: str, name: str, admit: Admit, pg: PgServer):
    patient = await admit(maps.schema("m_"), server=pg)
    assert await patient.find(CHECK) == []
    await patient.run(made)
    found = await patient.mends("better-auth-issuer")
    assert found.about == f'column "issuer" of table "{name}"'
    assert found.severity == "error"
    assert found.mend == f'ALTER TABLE "public"."{name}" ALTER COLUMN "issuer" DROP NOT NULL;'


async def test_an_issuer_that_is_no_fault(admit: Admit):
    """One with a default, and those of tables that are no accounts of Better Auth."""
    patient = await admit(maps.schema("m_"))
    await patient.run(
        "ALTER TABLE m_accounts ADD COLUMN issuer text NOT NULL DEFAULT 'local'",
        """CREATE TABLE "ssoProvider" (id text, issuer text NOT NULL, "providerId" text, "userId" text)""",
        "CREATE TABLE token (issuer text NOT NULL, account_id text, user_id text)",
    )
    assert await patient.find(CHECK) == []


async def test_another_projects_table_is_left_to_it(admit: Admit):
    patient = await admit(maps.schema("m_"))
    await patient.run(THEIRS)
    assert await patient.find(CHECK, tables_filter=("m_*",)) == []
    report = await diagnose(patient.schema, patient.url, patient.options)
    assert len(report.of(CHECK)) == 1
