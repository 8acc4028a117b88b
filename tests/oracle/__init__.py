"""Computes every metric of every customer and every row of the charts' tables a second time, in DuckDB, from the messages of a
shop.

The SQL is written by hand from the contract of an event, docs/metrics.md and docs/tables.md, without the parser, the transforms
or the catalogue's SQL. If the night's result differs, one of the two is wrong.
"""
