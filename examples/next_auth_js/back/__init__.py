"""The Python back of a Next.js application in which Auth.js signs people in."""
