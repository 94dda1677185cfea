#!/bin/sh
# What happens in the container before the hub: look around, mend what only root can mend, become
# the user that the hub runs as, and hand over to it. What `yuqiao check --quick` says, the hub says
# itself as soon as it runs: a process of its own for it would make every start longer.
set -eu

HUB=10001
CONFIG_ERROR=78

say() { printf '鱼桥：%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit $CONFIG_ERROR
}

# A core dump would hold everything that the hub knows.
# shellcheck disable=SC3045 # Debian's sh has it
ulimit -c 0

database=${DB_PATH:-data/xianyu_data.db}
folder=$(dirname "$database")
case $(realpath -m "$folder") in
  / | /app | /bin* | /dev* | /etc* | /lib* | /opt | /opt/yuqiao* | /proc* | /root* | /run* | /sbin* | /sys* | /usr* | \
    /app/bots* | /app/config* | /app/hub* | /app/web*)
    fail "DB_PATH=$database 不在数据的文件夹里；写成 /app/data/ 里的文件"
    ;;
esac

if [ "$(id -u)" = 0 ]; then
  for place in "$folder" backups logs; do
    mkdir -p "$place" || fail "建不了 $place：这个位置是只读的"
    if [ -n "$(find "$place" -xdev ! -user $HUB -print -quit)" ]; then
      say "$place 里有别的用户的文件，改成归鱼桥（$HUB）所有"
      # Some disks know no owners. Whether the hub can write there is what counts, see below.
      find "$place" -xdev ! -user $HUB -exec chown -h $HUB:$HUB {} + \
        || say "改不了 $place 的所有者：这种磁盘或共享文件夹不让改"
    fi
  done
  exec setpriv --reuid=$HUB --regid=$HUB --clear-groups --inh-caps=-all "$0" "$@"
fi

# Files of the hub are nobody else's.
umask 077

if [ "$*" = "yuqiao serve" ]; then
  say "版本 $(sed -n 's/^__version__ = "\(.*\)"/\1/p' /app/hub/__init__.py)，$(python --version)，用户 $(id -u)"
  say "文件夹 $PWD，时区 ${TZ:-见设置}，数据库 $database，日志级别 ${LOG_LEVEL:-见设置}"
  mkdir -p "$folder" 2>/dev/null || true
  for place in "$folder" backups logs; do
    [ -w "$place" ] || fail "用户 $(id -u) 不能写 $place；请在宿主机执行 chown -R $(id -u):$(id -g) 对应的文件夹"
  done
  settings=${YUQIAO_CONFIG:-config/hub.yml}
  if [ ! -e "$settings" ]; then
    say "没有 $settings，使用默认设置"
  elif [ ! -r "$settings" ]; then
    fail "用户 $(id -u) 读不了 $settings；请在宿主机执行 chown $(id -u) config/hub.yml（别人仍然读不了），或者 chmod 644"
  fi
fi

exec tini -- "$@"
