#!/bin/sh
# Runs all tests in two processes: they wait more than they compute, and one after the other would
# take twice as long. Each one's report is printed whole when both are over.
# Usage: side-by-side.sh PYTHON [options of pytest]
set -u
python=$1
shift
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

run() {
  report=$reports/$1
  shift
  "$python" -m pytest -p no:cacheprovider "$@" >"$report" 2>&1
  echo $? >"$report.code"
}

run journeys tests/e2e "$@" &
run rest tests/unit tests/conformance tests/faults tests/browser "$@" &
wait

failed=0
for name in rest journeys; do
  cat "$reports/$name"
  [ "$(cat "$reports/$name.code")" = 0 ] || failed=1
done
exit $failed
