#!/bin/sh
# Formats the NameNode once. A directory that holds a file system image is never touched.
set -eu
if [ -e "$HDFS_NAME_DIR/current/VERSION" ]; then
  echo "$HDFS_NAME_DIR is already formatted"
else
  /opt/hadoop/bin/hdfs namenode -format -nonInteractive
fi
