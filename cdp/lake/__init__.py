"""The platform's Delta tables on HDFS: their names, addresses, columns and partitions."""
