"""The checks that a night must pass before it publishes."""
