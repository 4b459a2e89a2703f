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
