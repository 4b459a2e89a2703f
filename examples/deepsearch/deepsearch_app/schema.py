"""The tables of this application: the preset as it is.

The migrations in `drizzle/` start with the four that drizzle-kit made for the seed's TypeScript
schema; chatkeep generated the ones after them. A database that Drizzle migrated goes on from there.
"""

from chatkeep.presets import deepsearch

schema = deepsearch.schema(prefix="ai-app-template_", seed_writers=True)
