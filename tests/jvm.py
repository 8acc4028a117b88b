"""How tests run Spark's JVMs."""

#: Jobs over a handful of rows are over before the second compiler has earned what it costs.
SMALL_DATA = "-XX:TieredStopAtLevel=1"
