"""SQL for each kind of fact."""
