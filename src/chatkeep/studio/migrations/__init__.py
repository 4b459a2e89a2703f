"""The studio's room for the migrations folder against the database."""
