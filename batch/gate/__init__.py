"""The checks between a night's work and its publication."""
