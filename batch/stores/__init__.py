"""Postgres and MongoDB: new data is written beside what readers see, and then swapped in."""
