"""The tables on HDFS: read, written, compacted, kept; and what their logs say has changed."""
