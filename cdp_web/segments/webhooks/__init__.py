"""Webhooks: who entered and left a segment in a run, sent to addresses of others, signed and repeated until they are accepted."""
