"""Typed access: one module a table, one statement a call."""
