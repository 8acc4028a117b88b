"""The latest nights with their outcome, steps and checks. Batch writes them; the site only reads them."""
