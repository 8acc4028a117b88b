"""The stream "shop": changes of the shop's database become rows in Postgres, tables on HDFS, and events of paid orders."""
