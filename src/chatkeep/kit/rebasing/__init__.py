"""Putting the migrations of two branches behind one another."""
