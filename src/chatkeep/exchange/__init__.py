"""Conversations from and to other products: formats of files and databases."""
