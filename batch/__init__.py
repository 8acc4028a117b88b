"""The night: what has changed in the events becomes daily numbers, customers and profiles, and is published at once."""
