"""The Delta tables on HDFS: reading, writing, compaction, upkeep, and the changes recorded in their logs."""
