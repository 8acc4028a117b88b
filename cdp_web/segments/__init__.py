"""Segments: saved rules, the runs that compute their members, and the members of the last complete run."""
