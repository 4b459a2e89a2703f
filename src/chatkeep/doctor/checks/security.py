"""Row-level security that is there in part."""

from collections.abc import Sequence
from dataclasses import dataclass

from chatkeep.doctor.check import Check
from chatkeep.doctor.checks.bringing import brings
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

# "Every row" is a policy FOR ALL that says `true` to the owner; the second column from the end.
_HELD = """
select n.nspname::text, c.relname::text, o.rolname::text,
  exists (
    select from pg_catalog.pg_policy p, unnest(p.polroles) as r (oid)
    where p.polrelid = c.oid and p.polpermissive and p.polcmd = '*'
      and pg_catalog.pg_get_expr(p.polqual, p.polrelid) = 'true'
      and coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), 'true') = 'true'
      and case when r.oid = 0 then true else pg_catalog.pg_has_role(c.relowner, r.oid, 'USAGE') end),
  coalesce((
    select string_agg(distinct coalesce(g.rolname::text, 'PUBLIC'), ', ')
    from pg_catalog.aclexplode(c.relacl) a left join pg_catalog.pg_roles g on g.oid = a.grantee
    where a.grantee <> c.relowner and coalesce(g.rolname, '') <> $1), '')
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_roles o on o.oid = c.relowner
where c.relkind in ('r', 'p')
"""
_LIST = "SELECT schemaname, tablename, policyname, roles, cmd, qual, with_check FROM pg_policies;"


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


@dataclass(frozen=True, slots=True)
class _Held:
    """Who has a table of users, and what lets whom see its rows.

    Attributes:
        owner: Its owner, whom FORCE binds.
        is_open: A policy shows the owner every row.
        others: Further roles with rights on it, as people name them.
        policies: Names of its policies.
    """

    table: TableFact
    owner: str
    is_open: bool
    others: str
    policies: frozenset[str]

    @property
    def name(self) -> str:
        """Give the table as SQL."""
        return ident(self.table.schema, self.table.name)


async def _held(place: Place) -> list[_Held]:
    """Give the tables of users with what the mends must know of them."""
    catalog, role = await place.catalog(), await _app_role(place)
    policies: dict[Name, set[str]] = {}
    for policy in catalog.of(Policy):
        policies.setdefault((policy.schema, policy.table), set()).add(policy.name)
    rows = {(row[0], row[1]): row for row in await place.fetch(_HELD, role or "")}
    found: list[_Held] = []
    for table in await _of_users(place):
        path = (table.schema, table.name)
        if path in rows:
            _, _, owner, is_open, others = rows[path]
            names = frozenset(policies.get(path, ()))
            found.append(_Held(table, owner, is_open, others, names))
    return found


async def _app_role(place: Place) -> str | None:
    """Give the role of the users' scopes: the schema's, or the one that the policies here name."""
    if _secured(place):
        return str(getattr(place.schema, "app_role", ""))
    named = {
        role
        for policy in (await place.catalog()).of(Policy)
        if SETTING in (policy.using or "")
        for role in policy.roles
    }
    return named.pop() if len(named) == 1 and "public" not in named else None


def _lacking(place: Place, held: _Held, role: str | None) -> list[tuple[str, str]]:
    """Give the policies of the schema that a table lacks: name and command."""
    table = held.table
    found: list[tuple[str, str]] = []
    for name, create in _extras(place, "policy").items():
        of, _, policy = name.rpartition(".")
        if of in (table.name, f"{table.schema}.{table.name}") and policy not in held.policies:
            # Whoever pastes it need not be the owner, whom the policy is for.
            to = "CURRENT_USER" if held.owner == role else ident(held.owner)
            found.append((policy, create.replace(" TO CURRENT_USER ", f" TO {to} ", 1)))
    return found


async def _own(place: Place, held: _Held, role: str | None) -> list[str]:
    """Give the policies that a table outside the schema needs before row security is in force."""
    found: list[str] = []
    owner = ident(held.owner)
    if (
        role is not None and held.owner == role
    ):  # trusted code must be somebody else, or the scopes see everything
        owner = "CURRENT_USER"
        found += [
            f"ALTER TABLE {held.name} OWNER TO CURRENT_USER;",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {held.name} TO {ident(role)};",
        ]
    columns = (await place.catalog()).columns(held.table.schema, held.table.name)
    types = [column.type for column in columns if column.name == "user_id"]
    if role is not None and types and not held.policies:
        is_text = types[0].startswith(("text", "character varying"))
        column = ident("user_id") if is_text else f"{ident('user_id')}::text"
        user = f"nullif(current_setting({literal(SETTING)}, true), '')"
        to = f"ON {held.name} TO {ident(role)}"
        found.append(f"CREATE POLICY own {to} USING ({column} = {user});")
    if not held.is_open:
        name = "trusted"
        while name in held.policies:
            name = f"{name}_owner"
        found.append(f"CREATE POLICY {name} ON {held.name} TO {owner} USING (true);")
    return found


async def _off(place: Place) -> Sequence[Found]:
    role, secured = await _app_role(place), _secured(place)
    found: list[Found] = []
    for held in await _held(place):
        table = held.table
        lacking = [] if table.row_security else ["ENABLE ROW LEVEL SECURITY"]
        lacking += [] if table.force_row_security else ["FORCE ROW LEVEL SECURITY"]
        if not lacking:
            continue
        alter = f"ALTER TABLE {held.name} {', '.join(lacking)};"
        policies = _lacking(place, held, role)
        declared = (table.schema, table.name) in secured
        if declared or policies:
            lacking += [f"policy {ident(name)}" for name, _ in policies]
            whose = "the schema has" if declared else "other tables of users have"
            message = f"It lacks {_and(lacking)}, which {whose}."
            mend = "\n".join((*(create for _, create in policies), alter))
        elif role is None and not held.policies:
            message = (
                f"It lacks {_and(lacking)}, which other tables of users have; policies come first, "
                "and whom they let in only you know: the command lists those of the other tables."
            )
            mend = _LIST
        else:
            message = f"It lacks {_and(lacking)}, which other tables of users have."
            message += _shut_out(held, role)
            mend = "\n".join((*await _own(place, held, role), alter))
        severity = None if declared else Severity.WARNING
        bringing = await brings(place) if declared else None
        mend, with_ = (mend, "sql") if bringing is None else (bringing, "shell")
        found.append(Found(f"table {held.name}", message, mend, with_, severity))
    return found


def _and(words: Sequence[str]) -> str:
    return " and ".join(words)


def _shut_out(held: _Held, role: str | None) -> str:
    """Say who sees no row any more once the command has run."""
    if not held.others or held.policies:
        return ""
    scopes = f", {role} its user's" if role else ""
    return f" Then {held.owner} sees every row{scopes}, and {held.others} none: give them a policy first."


async def _policies(place: Place) -> Sequence[Found]:
    found: list[Found] = []
    role = await _app_role(place)
    for held in await _held(place):
        table = held.table
        lacking = _lacking(place, held, role)
        if lacking and not (table.row_security and table.force_row_security):
            continue  # they come with the command of row-security-off, which needs them first
        for name, create in lacking:
            message = "The schema has it, the database does not."
            about = f"policy {ident(name)} of table {held.name}"
            bringing = await brings(place)
            if bringing is None:
                found.append(Found(about, message, create))
            else:
                found.append(Found(about, message, bringing, "shell"))
        if table.row_security and not held.policies and not lacking:
            mend = "\n".join(await _own(place, held, role))
            who = "a superuser" if table.force_row_security else "its owner and a superuser"
            message = f"It has row-level security and no policy: nobody but {who} sees a row."
            if "POLICY own" not in mend:
                message += " The command lets its owner in; whom else, only you know."
            found.append(Found(f"table {held.name}", message, mend))
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
