"""Tables, typed, under a prefix: see `chatkeep.schema.schema` for how to use and extend them."""
