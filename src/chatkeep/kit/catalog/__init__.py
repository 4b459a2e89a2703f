"""The facts of a real database: what is there, and what each part needs."""
