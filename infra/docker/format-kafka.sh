#!/bin/sh
# Formats the broker's log directory once. A formatted directory is never touched.
set -eu
storage=/opt/kafka/bin/kafka-storage.sh
if [ -e "$KAFKA_LOG_DIR/meta.properties" ]; then
  echo "$KAFKA_LOG_DIR is already formatted"
else
  "$storage" format --ignore-formatted --cluster-id "$("$storage" random-uuid)" --config /cdp/kafka/server.properties
fi
