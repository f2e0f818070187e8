#!/bin/sh
# Serves the servers of servers.json on one port. Makes the keys when it is started for the first time.
set -eu
here=$(dirname "$0")
keys=${KEYS:-$here/keys}
if [ ! -e "$keys" ]; then
  (umask 077; for name in laptop build; do echo "$name:$(openssl rand -hex 24)"; done > "$keys")
fi
exec mcp-proxy --port "${PORT:-8080}" --api-key-file "$keys" --named-server-config "$here/servers.json"
