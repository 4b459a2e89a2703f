"""Bringing a development database to the schema: whose objects, which rows are in the way."""
