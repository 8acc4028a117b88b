"""Customers: the list, read from the snapshot, and the page of one customer, read from MongoDB."""
