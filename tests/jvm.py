"""JVM options of Spark in tests."""

#: Jobs on a handful of rows end before the second compiler has paid off.
SMALL_DATA = "-XX:TieredStopAtLevel=1"
