# Read by every Spark script. Used by the native stack and by docker-compose; values that differ come from the environment.
SPARK_DAEMON_JAVA_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError"
SPARK_HISTORY_OPTS="-Dspark.history.fs.logDirectory=${HDFS_URL}${HDFS_ROOT}/_spark-events -Dspark.history.ui.port=${SPARK_HISTORY_PORT} -Dspark.history.fs.cleaner.enabled=true -Dspark.history.fs.cleaner.maxAge=14d -Dspark.history.fs.eventLog.rolling.maxFilesToRetain=2 -Dspark.history.store.maxDiskUsage=1g"
export SPARK_DAEMON_JAVA_OPTS SPARK_HISTORY_OPTS
