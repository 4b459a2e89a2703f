"""The command line: it parses, calls the core, and prints."""
