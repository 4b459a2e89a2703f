"""The maps preset as a project, and what our commands write for Better Auth there."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chatkeep.auth.better_auth_config import Adapter, better_auth_config
from chatkeep.kit.drizzle.module import drizzle_schema
from chatkeep.kit.scratch import Scratch
from fixtures.node import node_modules, node_project
from fixtures.servers import PgServer

__all__ = ["node_modules", "node_project"]

FULL = bool(os.environ.get("CHATKEEP_FULL"))
NODE = Path(__file__).parents[1] / "node"


def with_each_server(name: str, values: Sequence[Any]) -> Any:
    """Run a test with every value and on every server; in CI each value once, each server once."""
    servers = ("18", "15")
    params = [
        pytest.param(
            value,
            server,
            id=f"{server}-{value}",
            marks=[
                *([pytest.mark.needs("pg15")] if server == "15" else []),
                *([] if place == turn % len(servers) else [pytest.mark.slow, WHOLE]),
            ],
        )
        for turn, value in enumerate(values)
        for place, server in enumerate(servers)
    ]

    return pytest.mark.parametrize((name, "pg"), params, indirect=["pg"])


WHOLE = pytest.mark.skipif(not FULL, reason="every pair runs with CHATKEEP_FULL=1")


@dataclass(frozen=True)
class Written:
    """The files that a front end's project would hold, beside the library's packages."""

    tables: str
    schema: str | None

    def given(self, **more: Any) -> dict[str, Any]:
        return {"tables": self.tables, "schema": self.schema, **more}


@pytest.fixture
def written(tmp_path: Path, pg18: PgServer) -> Callable[..., Any]:
    """`await written(schema, "drizzle")`: the map for Better Auth, and schema.ts where asked."""

    async def write(schema: Any, adapter: Adapter = "pg") -> Written:
        (tmp_path / "node_modules").symlink_to(NODE / "better_auth" / "node_modules")
        tables = tmp_path / "tables.mjs"
        tables.write_text(better_auth_config(schema, adapter).module())
        if adapter == "pg":
            return Written(str(tables), None)
        file = tmp_path / "schema.ts"
        made = await drizzle_schema(schema, Scratch(pg18.admin_url), "app:schema")
        file.write_text(made.text)
        return Written(str(tables), str(file))

    return write
