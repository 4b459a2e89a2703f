"""What drizzle-kit remembers of each state, written for it and never believed."""
