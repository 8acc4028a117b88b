"""The generated history of a sample shop; the same seed gives the same events. No clock, no network."""
