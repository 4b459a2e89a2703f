"""Folding applied migrations into one."""
