"""What is wrong with a database, and the command that mends it."""
