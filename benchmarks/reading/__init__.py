"""A second reading of the messages of a shop, in DuckDB: every metric of every customer and every row of the tables that
charts read, straight from what was sent.

It is written by hand from the contract of an event, docs/metrics.md and docs/tables.md, and knows nothing of the parser, the
transforms or the catalogue's SQL: where the night says otherwise, one of the two is wrong.
"""
