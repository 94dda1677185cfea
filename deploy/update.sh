# Commands of docker-deploy.sh that put another version or other data in place, and take that back.
# shellcheck shell=sh disable=SC2034,SC2154 # docker-deploy.sh reads this file, and has the variables

# Make a backup with image $1 while nothing runs; its place is in $made.
backup_at_rest() {
  answer=$(HUB_IMAGE=$1 docker compose run --rm --no-deps -T "$SERVICE" \
    yuqiao backup --to backups --json) || return 1
  made=$(printf '%s\n' "$answer" | sed -n 's/.*"file": "\([^"]*\)".*/\1/p' | tail -n 1)
  [ -n "$made" ]
}

restore() {
  [ $# -gt 0 ] || misused "要写备份文件，例如 restore backups/yuqiao-20260101-020000.zip"
  inside=
  if [ "$1" != --undo ]; then
    file=$1
    ! on_windows || file=$(printf '%s' "$file" | tr '\134' /)
    shift
    [ -f "$file" ] || misused "没有这个文件：$file"
    inside=backups/$(basename "$file")
  fi
  exists "$image" || fail "还没有镜像，先 build"
  if [ -n "$inside" ]; then
    same "$(dirname "$file")" backups || bring_in "$file" "$inside" \
      || fail "放不进 backups/；什么都没有改变"
    set -- "$inside" "$@"
  fi
  was=no
  ! running || was=running
  stop_hubs
  if docker compose run --rm --no-deps -T "$SERVICE" yuqiao restore "$@" --yes; then
    up --hub || fail "恢复完了，但没有正常运行"
    where
  else
    [ $was = no ] || up --hub || true
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
  # Of accounts that were connected before, the new version must show that it can do that too.
  if running; then
    set -- --but "$(docker compose exec -T "$(serving)" yuqiao-health || true)"
  else
    set -- --hub
  fi

  step "1/5 取得新版本"
  if [ $pull = no ] || ! pull; then
    say "用这个文件夹里的程序"
  fi

  step "2/5 构建（旧版本继续运行）"
  docker image tag "$(in_use)" "$previous"
  undo=as_before
  build || fail "构建失败；旧版本照常运行"

  step "3/5 停止"
  stop_hubs
  undo=again_as_before

  step "4/5 备份"
  backup_at_rest "$previous" || fail "备份失败，没有更新"
  say "$made"
  printf '%s\n' "$made" >"$UPDATED"

  step "5/5 启动新版本"
  undo=go_back
  up "$@" || exit "$FAILED"
  undo=
  tidy
  where
}

as_before() {
  docker image tag "$previous" "$image"
}

again_as_before() {
  as_before
  step "没有更新，旧版本重新启动"
  up --hub || exit "$DOWN"
}

# The update failed. Data that the version before can still open stays as it is: nothing that came
# in since is lost. Only where it cannot, because the new one had changed the schema, the backup
# comes back.
go_back() {
  step "没有更新成，退回旧版本"
  docker image tag "$image" "$failed"
  docker image tag "$previous" "$image"
  if up --hub; then
    printf '✗ 更新失败，已退回旧版本；数据没有变\n' >&2
    exit "$ROLLED_BACK"
  fi
  # That is an answer, so it has opened the data: why it is not fit, a backup does not mend.
  case ${said:-} in
    *"$UNTOLD"*)
      printf '✗ 更新失败，已退回旧版本；数据没有变，但它没有就绪\n' >&2
      exit "$DOWN"
      ;;
  esac
  step "旧版本打不开现在的数据，恢复更新前的备份"
  stop_hubs
  if restore_at_rest "$(cat "$UPDATED")" && up --hub; then
    printf '✗ 更新失败，已退回旧版本和更新前的数据（%s）\n' "$(cat "$UPDATED")" >&2
    exit "$ROLLED_BACK"
  fi
  printf '✗ 更新失败，旧版本也没有起来；备份在 %s\n' "$(cat "$UPDATED")" >&2
  exit "$DOWN"
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
  [ $data = no ] || [ -s "$UPDATED" ] || fail "没有更新前的备份"
  docker image tag "$newer" "$image"
  stop_hubs
  made=
  restored=no
  undo=stay
  backup_at_rest "$image" || fail "备份失败，没有退回"
  say "现在的数据备份在 $made"
  docker image tag "$previous" "$image"
  [ $data = no ] || {
    restored=yes
    restore_at_rest "$(cat "$UPDATED")"
  }
  up --hub || exit "$FAILED"
  undo=
  docker image tag "$newer" "$previous"
  printf '%s\n' "$made" >"$UPDATED"
  where
}

# Taking back did not come to its end: what ran before runs again.
stay() {
  step "没有退成，换回现在的版本"
  stop_hubs
  docker image tag "$newer" "$image"
  [ "$restored" = no ] || restore_at_rest "$made" || exit "$DOWN"
  up --hub || exit "$DOWN"
  printf '%s\n' "✗ 没有退回。如果上面说数据是更新的版本写的，用 rollback --data（更新之后的数据会丢失）" >&2
  exit "$FAILED"
}
