"""The engine: statements compiled once, a pool, transactions, rows made into records.

It knows no tables of ours. What a constraint means, and which type a JSON column holds, is told to
it by the floors above.
"""
