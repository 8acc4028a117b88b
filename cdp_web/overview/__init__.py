"""The first page: how the shop did in a period, beside the period before it."""
