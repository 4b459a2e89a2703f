"""A drizzle-orm schema in TypeScript, written from the facts of a scratch build.

It says what our snapshots say, so that drizzle-kit finds nothing to change on a folder of ours.
"""
