"""The stream "live": the numbers of each minute in Postgres, windows in Kafka, short-term interests in Redis."""
