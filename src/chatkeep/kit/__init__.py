"""Migrations for any SQLAlchemy metadata, in drizzle-kit's folder format.

Generic on purpose: nothing here knows chatkeep's own tables.
"""
