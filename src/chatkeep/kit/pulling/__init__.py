"""From the facts of a database to a Python module that makes them again."""
