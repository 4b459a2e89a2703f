"""The studio's room for the SQL console."""
