"""From one catalog to another: which statements, in which order."""
