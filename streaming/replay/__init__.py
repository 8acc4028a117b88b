"""Quarantine to events: messages that were refused go through the parser again, as they came or repaired."""
