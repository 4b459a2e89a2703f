"""From a folder to a database: what is applied, under which lock, and how a file is run."""
