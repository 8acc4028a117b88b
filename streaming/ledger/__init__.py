"""What became of every message that the stream took: the sums of the ledger, held against HDFS and Kafka."""
