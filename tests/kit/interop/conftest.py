"""Fixtures that need Node; see tests/fixtures/node.py and typescript.py."""

from fixtures.node import node1_modules, node_modules, node_project, seed_written
from fixtures.typescript import drizzle_project

__all__ = ["drizzle_project", "node1_modules", "node_modules", "node_project", "seed_written"]
