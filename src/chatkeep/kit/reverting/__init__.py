"""Taking migrations back: what may be, whether it is proved, and how it is sent."""
