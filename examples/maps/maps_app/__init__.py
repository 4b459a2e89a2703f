"""Chat with Google Maps: the application of the first seed."""
