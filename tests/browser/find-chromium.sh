#!/bin/sh
# Makes sure that a Chromium is there for the browser tests, from the system's own packages.
set -eu

found() {
  [ -n "${YUQIAO_CHROMIUM:-}" ] && [ -x "$YUQIAO_CHROMIUM" ] && return 0
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && return 0
  done
  return 1
}

if found; then
  exit 0
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "Installing Chromium for the browser tests (apt-get install chromium) ..."
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
if ! found; then
  echo "The browser tests need Chromium, and this user may not install it." >&2
  echo "Install it once (Debian/Ubuntu: sudo apt-get install chromium; others: your package manager)," >&2
  echo "or set YUQIAO_CHROMIUM to the path of a Chromium or Chrome, then run make test again." >&2
  exit 1
fi
