"""The main job, end to end: what `chatkeep demo` does, apart from printing."""
