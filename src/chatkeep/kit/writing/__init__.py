"""From a schema to a migration: which steps, under which name, and the proof."""
