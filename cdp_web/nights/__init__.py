"""The nights: what became of the last ones, their steps and checks. Batch writes them, the site only reads."""
