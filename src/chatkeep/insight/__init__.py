"""Figures about people, conversations and statements, for those who run a product."""
