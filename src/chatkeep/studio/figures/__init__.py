"""The studio's room for usage, cache, statements, sessions, personal data."""
