"""Records: what the database gives back, one class for each table.

Two presets have a `User` and a `Session` each, so the classes are imported from
`chatkeep.records.deepsearch` and `chatkeep.records.maps`.
"""
