"""The publication that serves: which day the site shows and where its data lies. Batch writes it, the site only reads."""
