"""The studio's room for the row browser: tables, rows, edits."""
