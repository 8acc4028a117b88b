"""Sends data sets from the source server to Kafka, each message exactly once."""
