"""Other libraries that chatkeep works with, each in a module of its own and behind an extra."""
