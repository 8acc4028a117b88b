"""Quarantine to events: refused messages go through the parser again, unchanged or repaired."""
