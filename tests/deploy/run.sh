#!/usr/bin/env bash
# `make deploy-test`: an engine of its own for the length of the tests. Where this machine cannot
# have one, that is said and nothing is tested; with DEPLOY_TESTS=required it is a failure.
#
# ENGINE_FOLDER   keeps what was fetched for the next time
# DEPLOY_SECONDS  is how long all of it may take. What was not looked at then is said loudly and is
#                 no failure: a wait of its own ends every test that hangs, so what is cut was slow,
#                 not wrong. A test that failed before is a failure.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
python=$(realpath -s "${1:?the Python to test with}")
engine=tests/deploy/engine.sh
most=${DEPLOY_SECONDS:-86400}
LEAST=240     # it is not worth while to begin with less
STOP=30       # for stopping the engine
CUT="124 137" # exit codes of `timeout`: asked to end, and made to

untested() {
  printf '\n*** NOT TESTED: %s. %s.\n\n' "$1" "$2" >&2
  [ "${DEPLOY_TESTS:-}" != required ] || exit 1
  exit 0
}
everything="images, compose files and deploy scripts"

why=$("$engine" able) || untested "$everything" "$why"
[ "$most" -ge $LEAST ] || untested "$everything" "Only $most s were left for it"

own=$(mktemp -d /tmp/yuqiao-deploy.XXXXXX)
chmod 755 "$own" # tests run scripts as an ordinary user
folder=${ENGINE_FOLDER:-$own/engine}
# shellcheck disable=SC2329 # the trap calls it
stop() {
  "$engine" down "$folder"
  # A disk of a test that was cut.
  awk -v under="$own/" 'index($2, under) == 1 { print $2 }' /proc/mounts | xargs -r umount -l || true
  rm -rf "$own"
}
trap stop EXIT
SECONDS=0
left() { echo $((most - STOP - SECONDS)); }

"$python" -m venv "$own/linters"
"$own/linters/bin/pip" install -qq --disable-pip-version-check -r tests/deploy/linters.txt &
linters=$!
timeout "$(left)" "$engine" up "$folder" || untested "$everything" "No engine could be started"
wait "$linters"
echo "the engine is up after $SECONDS s"
eval "$("$engine" env "$folder")"
DEPLOY_MIRROR=$("$engine" mirror)
export DEPLOY_MIRROR DEPLOY_TESTS=here DEPLOY_LINTERS=$own/linters/bin
within() { timeout --signal INT --kill-after 20 "$(left)" "$python" "$@"; }
rc=0
within -m tests.deploy.images || rc=$?
[ $rc != 0 ] || within -m pytest tests/deploy -n 3 --dist loadfile --maxfail 1 -p no:cacheprovider \
  --basetemp "$own/tests" --durations 12 "${@:2}" || rc=$?
echo "all of it took $SECONDS s"
if [[ " $CUT " == *" $rc "* ]] && [ "$(left)" -le 0 ]; then
  untested "what did not begin or end above" "It took longer than $most s"
fi
exit $rc
