"""DeepSearch: the AI chat application of the second seed."""
