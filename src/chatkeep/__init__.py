"""chatkeep: the PostgreSQL layer for AI chat applications."""
