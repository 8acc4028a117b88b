#!/bin/sh
# Starts Redis on the shared configuration with a private file on top: a password on the command line could be read by
# every user of the machine.
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
