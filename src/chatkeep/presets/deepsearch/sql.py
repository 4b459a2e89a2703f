"""The checks of the hardened tables, which the migrations ask for too."""

ROLES = "role in ('user', 'assistant', 'system', 'tool')"

# A path never raises an error for JSON of another shape, as the seed's cast did. A count that is
# there is a number and not negative.
COUNTS_HOLD = (
    "not jsonb_path_exists(metadata, '$.tokens ? ("
    '@.prompt.type() != "number" || @.prompt < 0 || '
    '@.completion.type() != "number" || @.completion < 0 || '
    '@.total.type() != "number" || @.total < 0'
    ")')"
)
