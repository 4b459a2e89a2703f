"""The tables of the application, those of Auth.js with them.

`front/schema.ts` is written from here: `chatkeep schema drizzle > front/schema.ts`.
"""

from chatkeep.presets import deepsearch

schema = deepsearch.schema(prefix="app_")
