"""The serving publication: which day the site shows and where its data is. Batch writes it; the site only reads it."""
