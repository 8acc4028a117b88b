"""Writes what was shown and clicked, from the topic rec.exposures into Postgres and the Delta table `exposures`."""
