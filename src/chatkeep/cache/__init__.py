"""The cache of web searches: in the process, in Redis, in PostgreSQL; never a failed request.

entries     what a tier keeps, and what a tier is
options     what an application may say about all of it
cache       `db.search_cache`
events      what happened, counted in the process and stored beside the calls
stats       what that says
"""
