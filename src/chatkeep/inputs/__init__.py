"""Inputs: what a caller hands in, checked before anything is sent to the database.

As with the records, each preset has its own: `chatkeep.inputs.deepsearch`, `chatkeep.inputs.maps`.
"""
