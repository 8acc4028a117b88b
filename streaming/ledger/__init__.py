"""What became of every message that the stream read: the sums of the ledger, compared with HDFS and Kafka."""
