"""Kafka to HDFS: the streams, each a `Query`, and what is the same for all of them."""
