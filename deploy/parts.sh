# What the commands of docker-deploy.sh are made of.
# shellcheck shell=sh disable=SC2034,SC2154 # docker-deploy.sh reads this file, and has the variables

# Git for Windows brings the bash that runs this there.
on_windows() { [ "${OS:-}" = Windows_NT ]; }

# What stands before docker where a person types: the window of Git Bash is no terminal to programs
# of Windows.
between=
if on_windows; then
  # Or /app/... would become a folder of Windows on the way to docker.
  export MSYS_NO_PATHCONV=1 MSYS2_ARG_CONV_EXCL='*'
  if [ "${TERM_PROGRAM:-}" = mintty ] && command -v winpty >/dev/null 2>&1; then
    between=winpty
  fi
fi

# Docker runs in a machine of its own on Windows and macOS. On a disk that it is only shown from
# outside, SQLite can neither lock nor share memory: the data is in a volume there.
data_place() {
  on_windows || [ "$(uname -s)" = Darwin ] || return 0
  by_default DATA_PLACE data
  [ "$(from_env DATA_PLACE)" != data ] || [ ! -e data/xianyu_data.db ] || say "\
data/xianyu_data.db 不会用到：这里的数据放在 Docker 的卷里。要导入它，启动以后用后台的「导入」页" >&2
}

engine() {
  command -v docker >/dev/null 2>&1 || fail "没有找到 docker，请先安装 Docker"
  docker compose version >/dev/null 2>&1 || fail "需要 Docker Compose 2（docker compose）"
  docker version >/dev/null 2>&1 || fail "连不上 Docker：它没有在运行，或者当前用户没有权限"
  image=$(docker compose config --images "$SERVICE" 2>/dev/null | head -n 1)
  [ -n "$image" ] || fail "编排文件或 .env 有错：$(docker compose config --quiet 2>&1 | tail -n 1)"
  hubs=$(docker compose config --services | grep "^$SERVICE")
  name=$(printf '%s' "$image" | sed 's/:[^:/]*$//')
  previous=$name:previous
  failed=$name:failed
}

# Whatever they are called: Windows minds no capitals.
# shellcheck disable=SC3013 # every sh that there is has it
same() { [ "$1" -ef "$2" ]; }

# Containers of this name may be of another folder: starting would take them away from its data.
own_name() {
  theirs=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.project.working_dir"}}' \
    "$(docker compose ps --all --quiet "$SERVICE" | head -n 1)" 2>/dev/null || true)
  [ -n "$theirs" ] && [ -d "$theirs" ] && ! same "$theirs" . || return 0
  fail "$theirs 里的鱼桥也叫这个名字。同一台机器上的第二个，要在自己的 .env 里写别的 COMPOSE_PROJECT_NAME、\
HUB_IMAGE 和端口"
}

# One at a time: an update by hand must not meet one by cron.
alone() {
  if ! mkdir "$AT_WORK" 2>/dev/null; then
    other=$(cat "$AT_WORK/pid" 2>/dev/null || true)
    [ -z "$other" ] || ! kill -0 "$other" 2>/dev/null \
      || fail "另一个 docker-deploy.sh 正在做事（进程 $other）；要是没有，就删掉 $AT_WORK"
    mkdir -p "$AT_WORK"
  fi
  echo $$ >"$AT_WORK/pid"
  undo=
  trap end EXIT
  trap 'exit 130' INT
  trap 'exit 143' HUP TERM
}

# However a command ends - done, an error, Ctrl+C, a connection that is gone -, what $undo names is
# done then, and nothing stops that half-way, not even a terminal that is no longer there.
end() {
  code=$?
  trap - EXIT
  trap '' INT HUP TERM PIPE
  if [ -n "$undo" ]; then
    { printf '\n' 2>/dev/null && printf '\n' >&2 2>/dev/null; } || exec >>"$UPDATED.log" 2>&1
    set +e
    (
      set -e
      $undo
    )
    undone=$?
    [ $undone = 0 ] || code=$undone
  fi
  rm -rf "$AT_WORK"
  exit "$code"
}

# What .env says about NAME; empty if nothing.
from_env() {
  sed -n "s/^$1=//p" .env 2>/dev/null | tail -n 1 | tr -d '\r' | sed "s/^\([\"']\)\(.*\)\1\$/\2/"
}

# Put NAME=VALUE into .env.
into_env() {
  [ -e .env ] || (umask 077 && : >.env)
  if grep -q "^$1=" .env; then
    sed "s|^$1=.*|$1=$2|" .env >.env.part && cat .env.part >.env && rm .env.part
  else
    [ -z "$(tail -c 1 .env)" ] || echo >>.env
    printf '%s=%s\n' "$1" "$2" >>.env
  fi
}

by_default() {
  [ -n "$(from_env "$1")" ] || {
    into_env "$1" "$2"
    say "写进 .env：$1=$2"
  }
}

# Switch a profile on, for good: later commands, and `docker compose` itself, know of it too.
switch_on() {
  profiles=$(from_env COMPOSE_PROFILES)
  case ",$profiles," in
    *",$1,"*) ;;
    *) into_env COMPOSE_PROFILES "${profiles:+$profiles,}$1" ;;
  esac
}

image_id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null; }
exists() { docker image inspect "$1" >/dev/null 2>&1; }
# What the container was made of; the image of that name may have been built anew since.
in_use() {
  docker inspect --format '{{.Image}}' "$(docker compose ps --all --quiet "$SERVICE" | head -n 1)" \
    2>/dev/null || image_id "$image"
}
# One of the hubs that run; empty: none does.
serving() {
  docker compose ps --services --status running | grep "^$SERVICE" | sort | head -n 1
}
running() { [ -n "$(serving)" ]; }

# A command beside the hub or, if it does not run, in a container of its own. With a terminal where
# there is one: passwords are asked for.
in_app() {
  terminal=-T
  stands=
  if [ -t 0 ] && [ -t 1 ]; then
    terminal=
    stands=$between
  fi
  if running; then
    $stands docker compose exec $terminal "$(serving)" "$@"
  else
    $stands docker compose run --rm --no-deps $terminal "$SERVICE" "$@"
  fi
}

# Images that lost their name to a newer one of ours are of no use to anybody.
tidy() {
  docker image prune --force --filter "label=org.opencontainers.image.title=鱼桥 Yuqiao" >/dev/null || true
}

restarts() {
  docker inspect --format '{{.RestartCount}}' "$(docker compose ps --all --quiet "$1")" \
    2>/dev/null || echo 0
}

# Wait until each hub is fit; the rest is for yuqiao-health.
wait_until_fit() {
  waited=0
  for hub in $hubs; do
    until_fit "$hub" "$@" || return 1
  done
}

until_fit() {
  hub=$1
  shift
  said=
  state=$(docker inspect --format '{{.State.Status}}' "$(docker compose ps --all --quiet "$hub")" 2>&1)
  [ "$state" != created ] || return 1
  first=$(restarts "$hub")
  while [ "$waited" -lt "$WAIT_SECONDS" ] && [ $(($(restarts "$hub") - first)) -lt "$MOST_RESTARTS" ]; do
    said=$(docker compose exec -T "$hub" yuqiao-health "$@" 2>&1) && return 0
    sleep 1
    waited=$((waited + 1))
  done
  say "没有正常运行：$said"
  docker compose logs --no-log-prefix --tail 20 "$hub"
  return 1
}

# Accounts come after the hub. Those that need a person are named; that is no failure of a start.
accounts_follow() {
  for hub in $hubs; do
    waited=0
    until said=$(docker compose exec -T "$hub" yuqiao-health 2>&1); do
      if [ "$waited" -ge "$ACCOUNT_SECONDS" ]; then
        say "鱼桥正常，这些还没有好：$said"
        break
      fi
      sleep 1
      waited=$((waited + 1))
    done
  done
}

# shellcheck disable=SC2086 # names without spaces
stop_hubs() { docker compose stop $hubs; }

# A setting in .env that the compose file does not name reaches nobody, and nobody would say so.
unheeded() {
  given=$(docker compose config 2>/dev/null || true)
  { sed -n 's/^\(YUQIAO_[A-Za-z0-9_]*\)=.*/\1/p' .env 2>/dev/null || true; } | sort -u | while read -r one; do
    printf '%s\n' "$given" | grep -q "^ *$one:" \
      || say "△ .env 里的 $one 没有用：名字写错了，或者编排文件没有列出它，那就写进 config/hub.yml"
  done
}

# What follows is for yuqiao-health. Whether everything else in the compose file started does not
# count: whoever looks at the hub sees that it runs.
up() {
  unheeded
  docker compose up --detach --no-build --remove-orphans || say "有的容器没有启动，原因在上面"
  wait_until_fit "$@"
}

where() {
  accounts_follow
  say "✓ 鱼桥正常运行：http://localhost:$(published)"
  case ",$(from_env COMPOSE_PROFILES)," in
    *,with-nginx,*) say "  HTTPS：https://服务器（端口 $(from_env HTTPS_PORT | grep . || echo 443)）" ;;
  esac
}

published() { docker compose port "$SERVICE" 8080 2>/dev/null | sed 's/.*://'; }
