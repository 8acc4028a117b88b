"""Postgres and MongoDB: filled beside what readers see, and put in its place at once."""
