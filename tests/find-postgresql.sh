#!/bin/sh
# Makes sure that the programs of a PostgreSQL server are there for the tests, from the system's own
# packages. The tests start a server of their own; no system service is made or started.
set -eu

found() {
  [ -n "${TEST_DATABASE_URL:-}" ] && return 0
  command -v initdb >/dev/null 2>&1 && return 0
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

if found; then
  exit 0
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "Installing PostgreSQL for the tests (apt-get install postgresql) ..."
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  fi
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Options::=--force-confold postgresql >/dev/null || true
fi
if ! found; then
  echo "There is no PostgreSQL here and this user may not install it: the tests that need one are skipped." >&2
  echo "Install it once (Debian/Ubuntu: sudo apt-get install postgresql), or name a database whose user may" >&2
  echo "make others in TEST_DATABASE_URL (postgresql://user:password@host:port/name)." >&2
fi
