#!/usr/bin/env bash
# A Docker engine for the length of a test run, from Debian's packages: nothing is installed but
# what it needs from the system, it listens on a socket in its own folder, and it leaves the
# firewall as it was.
#
#   engine.sh able          say why this machine cannot have one; exit 75 then
#   engine.sh mirror        the Debian mirror that this machine installs from
#   engine.sh up FOLDER     fetch, start, make base images that stand in for the official ones
#   engine.sh env FOLDER    print what a client needs in its environment
#   engine.sh down FOLDER   stop it and remove everything it made
set -Eeuo pipefail

CANNOT=75
PACKAGES=(docker.io containerd docker-cli docker-compose docker-buildx tini)
HOST_PACKAGES=(runc mmdebstrap iptables)
NEWER=trixie # its engine runs on bookworm too, and knows BuildKit and compose v2
PYTHON_BASE=bookworm
NGINX_BASE=forky # the first that looks names of upstreams up again, as the official image does
NGINX=nginx:1.30-alpine

verb=${1:?able, mirror, up, env or down}
folder=$(realpath -m "${2:-/nowhere}")
docker() { DOCKER_HOST="unix://$folder/docker.sock" DOCKER_CONFIG="$folder/config" "$folder/unpacked/usr/bin/docker" "$@"; }

able() {
  local why=""
  if [ "$(uname -s)" != Linux ]; then
    why="this is no Linux"
  elif [ "$(id -u)" != 0 ]; then
    why="only root may start an engine"
  elif ! command -v apt-get >/dev/null || [ -z "$(mirror)" ]; then
    why="there is no apt-get with a Debian mirror to take it from"
  elif ! grep -qw overlay /proc/filesystems && ! modprobe -q overlay; then
    why="the kernel has no overlay file system"
  elif ! unshare --mount --net true 2>/dev/null; then
    why="this machine lets nobody make namespaces; is it a container itself?"
  fi
  [ -z "$why" ] && return 0
  echo "$why"
  exit $CANNOT
}

# The mirror that this machine installs from, whichever it is.
mirror() {
  { cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true; } \
    | awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }'
}

host_packages() {
  local missing=() name
  for name in "${HOST_PACKAGES[@]}"; do
    command -v "$name" >/dev/null || missing+=("$name")
  done
  if ((${#missing[@]})); then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
  fi
}

fetch() {
  local name
  [ -x "$folder/unpacked/usr/sbin/dockerd" ] && return 0
  mkdir -p "$folder"/{lists/partial,archives/partial,debs,unpacked,config/cli-plugins}
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $NEWER main" >"$folder/sources.list"
  local options=(
    -qq -o "Dir::Etc::SourceList=$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$folder/lists" -o "Dir::Cache::Archives=$folder/archives"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root
  )
  apt-get "${options[@]}" update
  (cd "$folder/debs" && apt-get "${options[@]}" download "${PACKAGES[@]/%//$NEWER}")
  for name in "$folder"/debs/*.deb; do dpkg-deb -x "$name" "$folder/unpacked"; done
  install -m 755 "$folder"/unpacked/usr/libexec/docker/cli-plugins/docker-{compose,buildx} "$folder/config/cli-plugins/"
  echo '{}' >"$folder/config/config.json"
}

# `--bridge=none` and no rules of the firewall: containers reach each other and are reached from
# this machine, and have no way out.
start() {
  mkdir -p "$folder/data" "$folder/exec"
  PATH="$folder/unpacked/usr/sbin:$folder/unpacked/usr/bin:$PATH" setsid nohup dockerd \
    --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/dockerd.pid" \
    --host "unix://$folder/docker.sock" --bridge=none --ip-forward=false --ip-masq=false \
    --iptables=false --ip6tables=false >"$folder/dockerd.log" 2>&1 </dev/null &
  for _ in $(seq 300); do
    docker version >/dev/null 2>&1 && chmod 666 "$folder/docker.sock" && return 0
    sleep 0.1
  done
  echo "the engine did not start; the end of its log:" >&2
  tail -n 20 "$folder/dockerd.log" >&2
  return 1
}

# bare TARBALL SUITE PACKAGES: a root file system as the distribution has it. Signatures count, dates
# do not: a mirror may be behind.
bare() {
  [ -s "$1" ] || mmdebstrap --quiet --variant=minbase --include="ca-certificates,netbase,tzdata,$3" \
    --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt=force-unsafe-io --format=tar \
    "$2" "$1.part" "$(mirror)" 2>"$1.log" || {
    cat "$1.log" >&2
    return 1
  }
  [ -s "$1" ] || mv "$1.part" "$1"
}

# What this machine trusts, the image must trust too, or nothing can be installed inside it.
python_image() {
  local context=$folder/python
  mkdir -p "$context/trusted"
  cp /usr/local/share/ca-certificates/*.crt "$context/trusted/" 2>/dev/null || true
  touch "$context/trusted/none.crt"
  printf '#!/bin/sh\nexec python -m pip "$@"\n' >"$context/pip"
  cat >"$context/Dockerfile" <<'IMAGE'
FROM stand-in/python
COPY trusted /usr/local/share/ca-certificates/
COPY --chmod=755 pip /usr/local/bin/pip
RUN rm -f /usr/local/share/ca-certificates/none.crt /usr/lib/python3.*/EXTERNALLY-MANAGED \
 && update-ca-certificates >/dev/null 2>&1 \
 && ln -s /usr/bin/python3.11 /usr/local/bin/python3 \
 && ln -s python3 /usr/local/bin/python \
 && printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >/etc/pip.conf
CMD ["python3"]
IMAGE
  docker build -q --network none -t python:3.11-slim-bookworm "$context" >/dev/null
}

images() {
  docker image inspect "$NGINX" >/dev/null 2>&1 && return 0
  docker import -c 'ENV LANG=C.UTF-8' -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    - stand-in/python <"$folder/python.tar" >/dev/null
  python_image
  docker import -c 'STOPSIGNAL SIGQUIT' -c 'CMD ["nginx", "-g", "daemon off;"]' \
    - "$NGINX" <"$folder/nginx.tar" >/dev/null
}

up() {
  able
  host_packages
  mkdir -p "$folder"
  bare "$folder/python.tar" "$PYTHON_BASE" python3.11,python3.11-venv,python3-pip &
  local python=$!
  bare "$folder/nginx.tar" "$NGINX_BASE" nginx-light &
  local nginx=$!
  fetch
  start
  wait "$python"
  wait "$nginx"
  images
}

down() {
  local name
  # A network's bridge would outlive the engine.
  docker ps -aq 2>/dev/null | xargs -r "$folder/unpacked/usr/bin/docker" -H "unix://$folder/docker.sock" rm -f >/dev/null 2>&1 || true
  docker network prune -f >/dev/null 2>&1 || true
  if [ -e "$folder/dockerd.pid" ]; then
    name=$(cat "$folder/dockerd.pid")
    kill "$name" 2>/dev/null || true
    for _ in $(seq 300); do
      kill -0 "$name" 2>/dev/null || break
      sleep 0.1
    done
  fi
  awk -v under="$folder/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l || true
  rm -rf "$folder/data" "$folder/exec" "$folder/docker.sock" "$folder/dockerd.pid"
}

case $verb in
  able) able ;;
  up) up ;;
  env)
    echo "export DOCKER_HOST=unix://$folder/docker.sock DOCKER_CONFIG=$folder/config PATH=$folder/unpacked/usr/bin:$PATH"
    ;;
  down) down ;;
  mirror) mirror ;;
  *)
    echo "engine.sh: no such verb: $verb" >&2
    exit 64
    ;;
esac
