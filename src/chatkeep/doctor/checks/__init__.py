"""The checks, one module a theme; each ends with its `CHECKS`."""
