"""Fixtures that need Node; see tests/fixtures/node.py."""

from fixtures.node import node_modules, node_project, seed_written

__all__ = ["node_modules", "node_project", "seed_written"]
