"""The studio's room for tables, constraints, indexes and how they hang together."""
