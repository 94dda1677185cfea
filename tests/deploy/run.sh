#!/usr/bin/env bash
# `make deploy-test`: an engine of its own for the length of the tests. Where this machine cannot
# have one, that is said and nothing is tested; with DEPLOY_TESTS=required it is a failure.
# ENGINE_FOLDER keeps what was fetched for the next time.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
python=$(realpath -s "${1:?the Python to test with}")
engine=tests/deploy/engine.sh

if ! why=$("$engine" able); then
  printf '\n*** NOT TESTED: images, compose files and deploy scripts. %s.\n\n' "$why" >&2
  [ "${DEPLOY_TESTS:-}" != required ] || exit 1
  exit 0
fi

own=$(mktemp -d /tmp/yuqiao-deploy.XXXXXX)
folder=${ENGINE_FOLDER:-$own/engine}
stop() {
  "$engine" down "$folder"
  rm -rf "$own"
}
trap stop EXIT
SECONDS=0
"$python" -m venv "$own/linters"
"$own/linters/bin/pip" install -qq --disable-pip-version-check -r tests/deploy/linters.txt &
linters=$!
"$engine" up "$folder"
wait "$linters"
echo "the engine is up after $SECONDS s"
eval "$("$engine" env "$folder")"
DEPLOY_MIRROR=$("$engine" mirror)
export DEPLOY_MIRROR DEPLOY_TESTS=here DEPLOY_LINTERS=$own/linters/bin
"$python" -m pytest tests/deploy -p no:cacheprovider --basetemp "$own/tests" --durations 12 "${@:2}"
echo "all of it took $SECONDS s"
