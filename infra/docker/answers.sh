#!/bin/bash
# Health check by HTTP in bash alone, because the Hadoop and Spark images have no other tool in common.
# usage: answers.sh HOST PORT PATH TEXT; exit 0 if the page exists and contains the text.
set -eu
exec 3<> "/dev/tcp/$1/$2"
printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$3" "$1" >&3
page=$(timeout 8 cat <&3 | tr -d '\0')
case $page in
  HTTP/1.?\ 200*"$4"*) exit 0 ;;
esac
echo "http://$1:$2$3 does not contain $4"
exit 1
