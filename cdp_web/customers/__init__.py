"""Customers: the list, read from the snapshot, and the page of one, read from MongoDB."""
