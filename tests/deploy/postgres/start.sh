#!/bin/sh
# Makes the database at the first start, as the official image does.
set -eu
folder=/var/lib/postgresql/data
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
chown postgres:postgres "$folder"
chmod 0700 "$folder"
if [ ! -s "$folder/PG_VERSION" ]; then
  printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
  chown postgres /tmp/password
  as_postgres initdb --pgdata "$folder" --username "$POSTGRES_USER" --pwfile /tmp/password \
    --auth-local trust --auth-host scram-sha-256 --encoding UTF8 --locale C.UTF-8 --no-sync >/dev/null
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$folder/pg_hba.conf"
  printf 'CREATE DATABASE %s;\n' "$POSTGRES_DB" \
    | as_postgres postgres --single -D "$folder" postgres >/dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups \
  postgres -D "$folder" -c 'listen_addresses=*'
