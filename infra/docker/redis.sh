#!/bin/sh
# Starts Redis with a private file that includes the shared configuration: every user of the machine could read a password on
# the command line.
set -eu
umask 077
private=/tmp/redis.conf
cat > "$private" <<END
include /cdp/redis/redis.conf
bind 0.0.0.0
port $REDIS_PORT
dir /data
requirepass $REDIS_PASSWORD
maxmemory ${REDIS_MAXMEMORY}b
END
exec redis-server "$private"
