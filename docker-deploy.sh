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
CLUSTER=docker-compose-cluster.yml
WAIT_SECONDS=${WAIT_SECONDS:-120}
ACCOUNT_SECONDS=${ACCOUNT_SECONDS:-20}
MOST_RESTARTS=2
# What yuqiao-health says where it is told no reasons.
UNTOLD="没有就绪，原因看 yuqiao check"
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
  with-cluster [名字 ...]            两个鱼桥共用一个 PostgreSQL，前面是 nginx
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
  clean                              删除容器和镜像；数据、备份、设置都不动

设置写在 .env（样例 .env.example）和 config/hub.yml（样例 config/hub.example.yml）。
TEXT
}

# Whoever reads this from a file wants no colours.
[ -t 1 ] || export COMPOSE_ANSI=never

# shellcheck source=deploy/parts.sh
. ./deploy/parts.sh
# shellcheck source=deploy/update.sh
. ./deploy/update.sh

# --- Commands ---------------------------------------------------------------------------------------

# Use $1 instead of docker-compose.yml, or $2 as well; what else is used stays.
files() {
  now=$(from_env COMPOSE_FILE)
  rest=$(printf '%s' "${now:-docker-compose.yml}" | sed 's/^[^:]*//')
  case "$rest:" in
    *":${2:-}:"*) set -- "$1" ;;
  esac
  COMPOSE_FILE=$1$rest${2:+:$2}
  COMPOSE_PATH_SEPARATOR=:
  into_env COMPOSE_FILE "$COMPOSE_FILE"
  into_env COMPOSE_PATH_SEPARATOR :
  export COMPOSE_FILE COMPOSE_PATH_SEPARATOR
}

build() {
  flags=
  for option; do
    case $option in
      --cn)
        files docker-compose-cn.yml
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
  up --hub || fail "启动失败"
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

# A random value of NAME in .env, unless there is one.
secret() {
  [ -n "$(from_env "$1")" ] || into_env "$1" "$(od -An -N 24 -t x1 /dev/urandom | tr -d ' \n')"
  chmod 600 .env
}

# The hub's database is another one from now on: what an SQLite file holds comes along by a backup.
cluster() {
  ! on_windows || fail "with-cluster 要在 Linux 上用：PostgreSQL 的数据不能放在 Windows 的磁盘上"
  secret POSTGRES_PASSWORD
  now=$(from_env COMPOSE_FILE)
  now=${now:-docker-compose.yml}
  files "${now%%:*}" $CLUSTER
  switch_on cluster
  nginx_ahead "$@"
}

# NapCat reads its way to the hub from a file; both must know the same token.
napcat() {
  secret YUQIAO_QQ__ACCESS_TOKEN
  token=$(from_env YUQIAO_QQ__ACCESS_TOKEN)
  (umask 077 && sed "s/@TOKEN@/$token/" napcat/yuqiao.json.in >napcat/yuqiao.json)
  switch_on with-napcat
}

status() {
  docker compose ps --all
  running || fail "没有在运行"
  docker compose exec -T "$(serving)" yuqiao check --quick || true
  docker compose ps --quiet | xargs docker stats --no-stream
  newest=$(find backups -name 'yuqiao-*.zip' 2>/dev/null |
    sed 's/.*-\([0-9]\{8\}-[0-9]\{6\}\)/\1 &/' | sort | tail -n 1 | sed 's/^[^ ]* //')
  say "最近的备份：${newest:-还没有}"
}

health() {
  running || fail "没有在运行"
  for hub in $hubs; do
    said=$(docker compose exec -T "$hub" yuqiao-health 2>&1) || fail "$hub 不正常：$said"
  done
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

clean() {
  docker compose --profile with-nginx --profile with-napcat --profile cluster down --remove-orphans
  for name in "$image" "$previous" "$failed"; do
    ! exists "$name" || docker image rm "$name" >/dev/null
  done
  tidy
  say "✓ 容器和镜像已删除。data/、postgres/、backups/、logs/、config/、.env 都还在；不要了就自己删除这个文件夹"
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
  help | -h | --help)
    help
    exit 0
    ;;
esac
data_place
engine
case $command in
  start | build | restore | update | rollback | clean | with-nginx | with-napcat | with-cluster | restart)
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
  with-cluster)
    cluster "$@"
    engine
    start
    ;;
  stop) docker compose stop ;;
  restart)
    docker compose restart
    wait_until_fit --hub || fail "重启后没有正常运行"
    where
    ;;
  run) in_app yuqiao "$@" ;;
  shell) $between docker compose exec --user 10001:10001 "$SERVICE" sh ;;
  *) misused "没有命令 $command；./docker-deploy.sh help 列出全部" ;;
esac
