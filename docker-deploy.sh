#!/bin/sh
# Runs 鱼桥 with Docker Compose: one command for everything an owner does with the installation.
# Exit codes: 0 done, 1 failed, 2 wrong usage, 3 an update failed and the version before runs again,
# 4 that version does not run either.
set -eu
cd "$(dirname "$0")"

FAILED=1
USAGE=2
ROLLED_BACK=3
DOWN=4

SERVICE=xianyu-app
WAIT_SECONDS=${WAIT_SECONDS:-120}
MOST_RESTARTS=2
# Beside .env, because backups/ belongs to the hub's user.
UPDATED=.last-update
AT_WORK=.at-work

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
fail() {
  printf '✗ %s\n' "$*" >&2
  exit $FAILED
}
misused() {
  printf '✗ %s\n' "$*" >&2
  exit $USAGE
}

help() {
  cat <<'TEXT'
用法：./docker-deploy.sh 命令 [选项]

  start [with-nginx] [with-napcat]   启动，等到正常为止；第一次会先构建
  with-nginx [名字 ...]              同时启动 nginx（HTTPS）；没有证书就做一张自签名的
  with-napcat                        同时启动 NapCat（QQ），连到鱼桥
  stop | restart                     停止、重启；数据都保留
  status | health                    看状态；只问是否正常（不正常时退出码 1）
  logs [服务] [--tail N] [--follow]  看日志
  build [--cn] [--no-cache]          构建镜像；--cn 用国内镜像源，以后也一直用
  backup [...]                       备份到 backups/；选项交给 yuqiao backup
  restore 文件 [--only 部分] [...]   从备份恢复；选项交给 yuqiao restore
  restore --undo                     换回上一次恢复以前的样子
  update [--no-pull]                 更新；新版本不正常就自动退回
  rollback [--data]                  退回更新前的版本；--data 连数据一起退回
  run 命令 ...                       执行 yuqiao 的命令，例如 run member list
  shell                              进入容器
  clean                              删除容器和镜像；data/、backups/、logs/、config/ 都不动

设置写在 .env（样例 .env.example）和 config/hub.yml（样例 config/hub.example.yml）。
TEXT
}

# Whoever reads this from a file wants no colours.
[ -t 1 ] || export COMPOSE_ANSI=never

# --- What the others are made of ------------------------------------------------------------------

engine() {
  command -v docker >/dev/null 2>&1 || fail "没有找到 docker，请先安装 Docker"
  docker compose version >/dev/null 2>&1 || fail "需要 Docker Compose 2（docker compose）"
  docker version >/dev/null 2>&1 || fail "连不上 Docker：它没有在运行，或者当前用户没有权限"
  image=$(docker compose config --images "$SERVICE" 2>/dev/null | head -n 1)
  [ -n "$image" ] || fail "编排文件或 .env 有错：$(docker compose config --quiet 2>&1 | tail -n 1)"
  name=$(printf '%s' "$image" | sed 's/:[^:/]*$//')
  previous=$name:previous
  failed=$name:failed
}

real() { (cd "$1" && pwd -P); }

# Containers of this name may be of another folder: starting would take them away from its data.
own_name() {
  theirs=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.project.working_dir"}}' \
    "$(docker compose ps --all --quiet "$SERVICE" | head -n 1)" 2>/dev/null || true)
  [ -n "$theirs" ] && [ -d "$theirs" ] && [ "$(real "$theirs")" != "$(real .)" ] || return 0
  fail "$theirs 里的鱼桥也叫这个名字。同一台机器上的第二个，要在自己的 .env 里写别的 COMPOSE_PROJECT_NAME、\
HUB_IMAGE 和端口"
}

# One at a time: an update by hand must not meet one by cron.
alone() {
  if ! mkdir $AT_WORK 2>/dev/null; then
    other=$(cat $AT_WORK/pid 2>/dev/null || true)
    [ -z "$other" ] || ! kill -0 "$other" 2>/dev/null \
      || fail "另一个 docker-deploy.sh 正在做事（进程 $other）；要是没有，就删掉 $AT_WORK"
    mkdir -p $AT_WORK
  fi
  echo $$ >$AT_WORK/pid
  trap 'rm -rf $AT_WORK' EXIT
  trap 'exit 130' INT
  trap 'exit 143' HUP TERM
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
running() { [ -n "$(docker compose ps --quiet --status running "$SERVICE")" ]; }

# A command beside the hub or, if it does not run, in a container of its own. With a terminal where
# there is one: passwords are asked for.
in_app() {
  terminal=-T
  ! { [ -t 0 ] && [ -t 1 ]; } || terminal=
  if running; then
    docker compose exec $terminal "$SERVICE" "$@"
  else
    docker compose run --rm --no-deps $terminal "$SERVICE" "$@"
  fi
}

# Images that lost their name to a newer one of ours are of no use to anybody.
tidy() {
  docker image prune --force --filter "label=org.opencontainers.image.title=鱼桥 Yuqiao" >/dev/null || true
}

restarts() {
  docker inspect --format '{{.RestartCount}}' "$(docker compose ps --all --quiet "$SERVICE")" \
    2>/dev/null || echo 0
}

# Wait until the hub is fit; accounts that were unfit in $1, an earlier answer, may still be.
wait_until_fit() {
  waited=0
  said=
  first=$(restarts)
  while [ "$waited" -lt "$WAIT_SECONDS" ] && [ $(($(restarts) - first)) -lt $MOST_RESTARTS ]; do
    said=$(docker compose exec -T "$SERVICE" yuqiao-health --but "${1:-}" 2>&1) && return 0
    sleep 1
    waited=$((waited + 1))
  done
  say "没有正常运行：$said"
  docker compose logs --no-log-prefix --tail 20 "$SERVICE"
  return 1
}

up() {
  docker compose up --detach --no-build --remove-orphans
  wait_until_fit "${1:-}"
}

where() {
  say "✓ 鱼桥正常运行：http://localhost:$(published)"
  case ",$(from_env COMPOSE_PROFILES)," in
    *,with-nginx,*) say "  HTTPS：https://服务器（端口 $(from_env HTTPS_PORT | grep . || echo 443)）" ;;
  esac
}

published() { docker compose port "$SERVICE" 8080 2>/dev/null | sed 's/.*://'; }

# Make a backup with image $1 while nothing runs; its place is in $made.
backup_at_rest() {
  answer=$(HUB_IMAGE=$1 docker compose run --rm --no-deps -T "$SERVICE" \
    yuqiao backup --to backups --json) || return 1
  made=$(printf '%s\n' "$answer" | sed -n 's/.*"file": "\([^"]*\)".*/\1/p' | tail -n 1)
  [ -n "$made" ]
}

# --- Commands ---------------------------------------------------------------------------------------

build() {
  flags=
  for option; do
    case $option in
      --cn)
        into_env COMPOSE_FILE docker-compose-cn.yml
        COMPOSE_FILE=docker-compose-cn.yml
        export COMPOSE_FILE
        ;;
      --no-cache) flags=--no-cache ;;
      *) misused "build 没有选项 $option" ;;
    esac
  done
  revision=$(git rev-parse HEAD 2>/dev/null || true)
  docker compose build $flags --build-arg "REVISION=$revision" \
    --build-arg "CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$SERVICE"
}

start() {
  for option; do
    case $option in
      with-nginx) nginx_ahead ;;
      with-napcat) napcat ;;
      *) misused "start 没有选项 $option" ;;
    esac
  done
  exists "$image" || build
  up || fail "启动失败"
  where
}

# Behind nginx the plain port need not be seen from outside, cookies travel over TLS only, and who
# asks is what nginx says. What .env says already stays.
nginx_ahead() {
  switch_on with-nginx
  by_default WEB_BIND 127.0.0.1
  by_default YUQIAO_WEB__SECURE_COOKIES true
  by_default YUQIAO_WEB__TRUSTED_PROXIES 172.16.0.0/12,192.168.0.0/16
  [ -e nginx/ssl/cert.pem ] || command -v openssl >/dev/null 2>&1 \
    || fail "这台机器没有 openssl，做不了试用的证书；请把证书放到 nginx/ssl/cert.pem 和 key.pem 再来"
  [ -e nginx/ssl/cert.pem ] || sh nginx/ssl/self-signed.sh "$@"
}

# NapCat reads its way to the hub from a file; both must know the same token.
napcat() {
  token=$(from_env YUQIAO_QQ__ACCESS_TOKEN)
  if [ -z "$token" ]; then
    token=$(od -An -N 24 -t x1 /dev/urandom | tr -d ' \n')
    into_env YUQIAO_QQ__ACCESS_TOKEN "$token"
    chmod 600 .env
  fi
  (umask 077 && sed "s/@TOKEN@/$token/" napcat/yuqiao.json.in >napcat/yuqiao.json)
  switch_on with-napcat
}

status() {
  docker compose ps --all
  running || fail "没有在运行"
  docker compose exec -T "$SERVICE" yuqiao check --quick || true
  docker compose ps --quiet | xargs docker stats --no-stream
  newest=$(find backups -name 'yuqiao-*.zip' 2>/dev/null |
    sed 's/.*-\([0-9]\{8\}-[0-9]\{6\}\)/\1 &/' | sort | tail -n 1 | sed 's/^[^ ]* //')
  say "最近的备份：${newest:-还没有}"
}

health() {
  running || fail "没有在运行"
  said=$(docker compose exec -T "$SERVICE" yuqiao-health) || fail "不正常：$said"
  say "✓ 正常"
}

logs() {
  tail=200
  follow=
  service=$SERVICE
  while [ $# -gt 0 ]; do
    case $1 in
      --tail)
        [ $# -gt 1 ] || misused "--tail 后面要写行数"
        tail=$2
        shift
        ;;
      -f | --follow) follow=--follow ;;
      -*) misused "logs 没有选项 $1" ;;
      *) service=$1 ;;
    esac
    shift
  done
  docker compose logs --tail "$tail" $follow "$service"
}

backup() {
  exists "$image" || fail "还没有镜像，先 start 一次"
  in_app yuqiao backup --to backups "$@" || fail "备份失败"
}

restore() {
  [ $# -gt 0 ] || misused "要写备份文件，例如 restore backups/yuqiao-20260101-020000.zip"
  inside=
  if [ "$1" != --undo ]; then
    file=$1
    shift
    [ -f "$file" ] || misused "没有这个文件：$file"
    inside=backups/$(basename "$file")
  fi
  exists "$image" || fail "还没有镜像，先 build"
  if [ -n "$inside" ]; then
    [ "$(real "$(dirname "$file")")" = "$(real .)/backups" ] || bring_in "$file" "$inside" || fail "放不进 backups/；什么都没有改变"
    set -- "$inside" "$@"
  fi
  was=no
  ! running || was=running
  docker compose stop "$SERVICE"
  if docker compose run --rm --no-deps -T "$SERVICE" yuqiao restore "$@" --yes; then
    up || fail "恢复完了，但没有正常运行"
    where
  else
    [ $was = no ] || up || true
    fail "没有恢复，原因见上面"
  fi
}

# backups/ belongs to the hub's user; whoever runs this may not be able to write there. Another
# file of that name is not overwritten.
bring_in() {
  docker compose run --rm --no-deps -T "$SERVICE" sh -c '
    umask 077
    cat >"$1.part" || { rm -f "$1.part"; exit 1; }
    if [ -e "$1" ] && ! cmp -s "$1" "$1.part"; then
      rm -f "$1.part"
      echo "已经有另一个 $1" >&2
      exit 1
    fi
    mv "$1.part" "$1"' - "$2" <"$1"
}

# The folder's git, if it has one that works and knows where new versions come from.
pull() {
  [ -e .git ] || return 2
  command -v git >/dev/null 2>&1 || return 2
  git rev-parse HEAD >/dev/null || fail "git 在这个文件夹里不能用（上面是原因）；自己换好了文件就加 --no-pull"
  git rev-parse '@{upstream}' >/dev/null 2>&1 || return 2
  git pull --ff-only || fail "git pull 没有成功；什么都没有改变"
}

update() {
  pull=yes
  for option; do
    case $option in
      --no-pull) pull=no ;;
      *) misused "update 没有选项 $option" ;;
    esac
  done
  exists "$image" || fail "还没有安装，用 start"
  before=
  ! running || before=$(docker compose exec -T "$SERVICE" yuqiao-health || true)

  step "1/5 取得新版本"
  if [ $pull = no ] || ! pull; then
    say "用这个文件夹里的程序"
  fi

  step "2/5 构建（旧版本继续运行）"
  docker image tag "$(in_use)" "$previous"
  trap 'as_before' EXIT
  build || fail "构建失败；旧版本照常运行"

  step "3/5 停止"
  docker compose stop "$SERVICE"
  trap 'again_as_before' EXIT

  step "4/5 备份"
  backup_at_rest "$previous" || fail "备份失败，没有更新"
  say "$made"
  printf '%s\n' "$made" >$UPDATED

  step "5/5 启动新版本"
  trap 'go_back' EXIT
  if up "$before"; then
    trap 'rm -rf $AT_WORK' EXIT
    tidy
    where
    return 0
  fi
  exit $ROLLED_BACK
}

# However an update ends before its end - an error, Ctrl+C, a connection that is gone - the version
# before runs again. Nothing may stop that half-way, nor a terminal that is no longer there.
undisturbed() {
  trap '' INT HUP TERM PIPE
  trap 'rm -rf $AT_WORK' EXIT
  { printf '\n' 2>/dev/null && printf '\n' >&2 2>/dev/null; } || exec >>$UPDATED.log 2>&1
}

as_before() {
  undisturbed
  docker image tag "$previous" "$image"
}

again_as_before() {
  as_before
  step "没有更新，旧版本重新启动"
  up "$before" || exit $DOWN
}

# The update failed. Data that the version before can still open stays as it is: nothing that came
# in since is lost. Only where it cannot, because the new one had changed the schema, the backup
# comes back.
go_back() {
  undisturbed
  step "没有更新成，退回旧版本"
  docker image tag "$image" "$failed"
  docker image tag "$previous" "$image"
  if up "$before"; then
    printf '✗ 更新失败，已退回旧版本；数据没有变\n' >&2
    exit $ROLLED_BACK
  fi
  step "旧版本打不开现在的数据，恢复更新前的备份"
  docker compose stop "$SERVICE"
  if restore_at_rest "$(cat $UPDATED)" && up "$before"; then
    printf '✗ 更新失败，已退回旧版本和更新前的数据（%s）\n' "$(cat $UPDATED)" >&2
    exit $ROLLED_BACK
  fi
  printf '✗ 更新失败，旧版本也没有起来；备份在 %s\n' "$(cat $UPDATED)" >&2
  exit $DOWN
}

restore_at_rest() {
  docker compose run --rm --no-deps -T "$SERVICE" \
    yuqiao restore "$1" --only database,pictures --yes
}

rollback() {
  data=no
  case ${1:-} in
    '') ;;
    --data) data=yes ;;
    *) misused "rollback 没有选项 $1" ;;
  esac
  exists "$previous" || fail "没有更新前的版本可以退回"
  newer=$(in_use)
  [ "$(image_id "$previous")" != "$newer" ] || fail "已经是更新前的版本"
  [ $data = no ] || [ -s $UPDATED ] || fail "没有更新前的备份"
  docker image tag "$newer" "$image"
  docker compose stop "$SERVICE"
  made=
  restored=no
  trap 'stay' EXIT
  backup_at_rest "$image" || fail "备份失败，没有退回"
  say "现在的数据备份在 $made"
  docker image tag "$previous" "$image"
  [ $data = no ] || {
    restored=yes
    restore_at_rest "$(cat $UPDATED)"
  }
  up || exit $FAILED
  trap 'rm -rf $AT_WORK' EXIT
  docker image tag "$newer" "$previous"
  printf '%s\n' "$made" >$UPDATED
  where
}

# Taking back did not come to its end: what ran before runs again.
stay() {
  undisturbed
  step "没有退成，换回现在的版本"
  docker compose stop "$SERVICE"
  docker image tag "$newer" "$image"
  [ "$restored" = no ] || restore_at_rest "$made" || exit $DOWN
  up || exit $DOWN
  printf '%s\n' "✗ 没有退回。如果上面说数据是更新的版本写的，用 rollback --data（更新之后的数据会丢失）" >&2
  exit $FAILED
}

clean() {
  docker compose --profile with-nginx --profile with-napcat down --remove-orphans
  for name in "$image" "$previous" "$failed"; do
    ! exists "$name" || docker image rm "$name" >/dev/null
  done
  tidy
  say "✓ 容器和镜像已删除。data/、backups/、logs/、config/、.env 都还在；不要了就自己删除这个文件夹"
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
  help | -h | --help)
    help
    exit 0
    ;;
esac
engine
case $command in
  start | build | restore | update | rollback | clean | with-nginx | with-napcat | restart)
    own_name
    alone
    ;;
esac
case $command in
  start | build | status | health | logs | backup | restore | update | rollback | clean) "$command" "$@" ;;
  with-nginx)
    nginx_ahead "$@"
    start
    ;;
  with-napcat)
    napcat
    start
    ;;
  stop) docker compose stop ;;
  restart)
    docker compose restart
    wait_until_fit || fail "重启后没有正常运行"
    where
    ;;
  run) in_app yuqiao "$@" ;;
  shell) docker compose exec --user 10001:10001 "$SERVICE" sh ;;
  *) misused "没有命令 $command；./docker-deploy.sh help 列出全部" ;;
esac
