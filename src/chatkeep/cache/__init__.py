"""The cache of web searches: in the process, in Redis, in PostgreSQL; never a failed request.

entries     what a tier keeps, and what a tier is
options     what an application may say about all of it
cache       `db.search_cache`; finding: how it answers; assembly: how it is put together
memory      what the process keeps; tiers: Redis and PostgreSQL as one place
redis_place what there is of Redis: redis_tier, redis_lock, over the connections of redis_link
breaker     leaves alone for a while what fails again and again; quiet: writes of it rarely
flight      one fetch for the callers of a process; turns: for all processes
asking      what a caller may say; keys, parsing, envelope, freshness: what it means
events      what happened, counted in the process and stored beside the calls
stats       what that says
"""
