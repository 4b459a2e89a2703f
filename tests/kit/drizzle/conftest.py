"""Fixtures that need Node; see tests/fixtures/node.py and typescript.py."""

from fixtures.node import node_modules
from fixtures.typescript import drizzle_project, judged

__all__ = ["drizzle_project", "judged", "node_modules"]
