"""The Python back of a Next.js application in which Better Auth signs people in."""
