"""Fixtures that need Node; see tests/fixtures/node.py."""

from fixtures.node import node1_modules, node_modules, node_project, seed_written

__all__ = ["node1_modules", "node_modules", "node_project", "seed_written"]
