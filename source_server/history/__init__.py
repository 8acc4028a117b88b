"""A shop that never was: a made history of events, the same for the same seed. No clock, no files, no network."""
