"""Segments: rules that people keep, the runs that compute who is in, and the members of the last complete run."""
