"""The checks of the hardened tables, which the migrations ask for too."""

# Written as PostgreSQL itself writes it: `role in (...)` on a varchar comes back with casts that
# come back differently once more when that text is run, and a diff would find a change for ever.
ROLES = "role::text = ANY (ARRAY['user'::text, 'assistant'::text, 'system'::text, 'tool'::text])"

# A path never raises an error for JSON of another shape, as the seed's cast did. A count that is
# there is a number and not negative.
COUNTS_HOLD = (
    "not jsonb_path_exists(metadata, '$.tokens ? ("
    '@.prompt.type() != "number" || @.prompt < 0 || '
    '@.completion.type() != "number" || @.completion < 0 || '
    '@.total.type() != "number" || @.total < 0'
    ")')"
)

STATUSES = (
    "status::text = ANY (ARRAY['complete'::text, 'streaming'::text, 'interrupted'::text,"
    " 'error'::text])"
)
VOTES = "vote = ANY (ARRAY['-1'::integer, 1])"
KINDS = "kind::text = ANY (ARRAY['snapshot'::text, 'live'::text])"
USED = (
    "prompt_tokens >= 0 AND completion_tokens >= 0 AND total_tokens >= 0"
    " AND cost >= 0::numeric AND latency_ms >= 0"
)

OUTCOMES = (
    "outcome::text = ANY (ARRAY['hit'::text, 'stale'::text, 'miss'::text, 'failed'::text,"
    " 'known_failure'::text])"
)
TIERS = "tier::text = ANY (ARRAY['memory'::text, 'redis'::text, 'postgres'::text, 'fetch'::text])"

LIVE = "deleted_at IS NULL"
DELETED = "deleted_at IS NOT NULL"
