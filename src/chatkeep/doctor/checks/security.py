"""Row-level security that is there in part."""

from collections.abc import Sequence

from chatkeep.doctor.check import Check
from chatkeep.doctor.checks.declared import path_of
from chatkeep.doctor.checks.upgrade import unfinished
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Name, Place
from chatkeep.kit.catalog.programs import Policy
from chatkeep.kit.catalog.tables import Table as TableFact
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.schema.security import SETTING, secured_tables

_ROLE = """
select r.rolsuper or r.rolbypassrls, pg_catalog.pg_has_role(current_user, r.oid,
  case when current_setting('server_version_num')::int < 160000 then 'MEMBER' else 'SET' end)
from pg_catalog.pg_roles r where r.rolname = $1
"""
_OWNERS = """
select n.nspname::text, c.relname::text, o.rolname::text
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_roles o on o.oid = c.relowner
join pg_catalog.pg_roles r on r.rolname = $1
where c.relkind in ('r', 'p') and pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')
  and not r.rolsuper
order by 1, 2
"""


def _secured(place: Place) -> set[Name]:
    """Give the tables that the schema secures; none where it has no row-level security."""
    if getattr(place.schema, "security", None) != "rls":
        return set()
    return {path_of(table) for table in secured_tables(getattr(place.schema, "tables", {}))}


def _extras(place: Place, kind: str) -> dict[str, str]:
    """Give what the schema runs for objects of a kind, by name."""
    return {
        str(getattr(extra, "name", "")): f"{extra.create.strip().rstrip(';')};"
        for extra in place.target.state.extras
        if getattr(extra, "kind", "") == kind
    }


async def _of_users(place: Place) -> list[TableFact]:
    """Give the tables of users, where any table has row-level security or the schema wants it."""
    catalog, secured = await place.catalog(), _secured(place)
    if await unfinished(place):
        return []
    tables = [
        table
        for name in sorted(await place.tables())
        if (table := catalog.find(TableFact, *name)) is not None
        and (
            name in secured
            or table.row_security
            or any(column.name == "user_id" for column in catalog.columns(*name))
        )
    ]
    return tables if secured or any(table.row_security for table in tables) else []


async def _off(place: Place) -> Sequence[Found]:
    found: list[Found] = []
    for table in await _of_users(place):
        lacking = [] if table.row_security else ["ENABLE ROW LEVEL SECURITY"]
        lacking += [] if table.force_row_security else ["FORCE ROW LEVEL SECURITY"]
        if lacking:
            name = ident(table.schema, table.name)
            declared = (table.schema, table.name) in _secured(place)
            found.append(
                Found(
                    f"table {name}",
                    f"It lacks {' and '.join(lacking)}, which "
                    f"{'the schema has' if declared else 'other tables of users have'}.",
                    f"ALTER TABLE {name} {', '.join(lacking)};",
                    severity=None if declared else Severity.WARNING,
                )
            )
    return found


async def _policies(place: Place) -> Sequence[Found]:
    catalog, found = await place.catalog(), list[Found]()
    there: dict[Name, set[str]] = {}
    for policy in catalog.of(Policy):
        there.setdefault((policy.schema, policy.table), set()).add(policy.name)
    wanted = [(name.rpartition("."), create) for name, create in _extras(place, "policy").items()]
    for table in await _of_users(place):
        names = there.get((table.schema, table.name), set())
        about = ident(table.schema, table.name)
        places = (table.name, f"{table.schema}.{table.name}")
        lacking = [
            (name, create) for (of, _, name), create in wanted if of in places and name not in names
        ]
        for name, create in lacking:
            message = "The schema has it, the database does not."
            found.append(Found(f"policy {ident(name)} of table {about}", message, create))
        if table.row_security and not names and not lacking:
            user = f"nullif(current_setting({literal(SETTING)}, true), '')"
            mend = f"CREATE POLICY own ON {about} USING ({ident('user_id')} = {user});"
            message = "It has row-level security and no policy: only its owner sees a row."
            found.append(Found(f"table {about}", message, mend, severity=Severity.NOTE))
    return found


async def _role(place: Place) -> Sequence[Found]:
    if not _secured(place) or await unfinished(place):
        return []
    role = str(getattr(place.schema, "app_role", ""))
    about = f"role {ident(role)}"
    rows = await place.fetch(_ROLE, role)
    if not rows:
        mend = _extras(place, "role")[role]
        return [Found(about, "The schema has it, the server does not.", mend)]
    unbound, may_become = rows[0]
    found: list[Found] = []
    if unbound:
        mend = f"ALTER ROLE {ident(role)} NOSUPERUSER NOBYPASSRLS;"
        found.append(Found(about, "It is a superuser, or has BYPASSRLS.", mend))
    if not may_become:
        mend = f"GRANT {ident(role)} TO {ident(place.role)};"
        found.append(Found(about, f"The role {place.role} may not become it.", mend))
    owned: dict[str, list[Name]] = {}
    for schema, table, owner in await place.fetch(_OWNERS, role):
        if (schema, table) in place.declared:
            owned.setdefault(owner, []).append((schema, table))
    for owner, tables in owned.items():
        if owner == role:
            mend = "\n".join(
                f"ALTER TABLE {ident(*name)} OWNER TO CURRENT_USER;" for name in tables
            )
            found.append(Found(about, f"It owns {len(tables)} of the tables.", mend))
        else:
            mend = f"REVOKE {ident(owner)} FROM {ident(role)};"
            found.append(Found(about, f"It is a member of {owner}, who owns the tables.", mend))
    return found


CHECKS = (
    Check(
        "row-security-off",
        Severity.ERROR,
        "A statement that forgets the user's id shows everybody's rows of this table.",
        _off,
    ),
    Check(
        "policy-missing",
        Severity.ERROR,
        "Without it a scope sees no row of the table, or trusted code does not.",
        _policies,
    ),
    Check(
        "row-security-bypassed",
        Severity.ERROR,
        "Row-level security binds a user's scope only if its role is bound by policies.",
        _role,
    ),
)
