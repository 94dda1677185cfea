#!/bin/sh
# A certificate for trying: browsers will warn of it. Usage: nginx/ssl/self-signed.sh [NAME ...]
# NAME: host names or addresses; the first one is the subject. Default: localhost.
# cert.pem and key.pem that exist already are never replaced.
set -eu
cd "$(dirname "$0")"
if [ -e cert.pem ] || [ -e key.pem ]; then
  echo "nginx/ssl 里已有 cert.pem 或 key.pem，没有覆盖" >&2
  exit 1
fi
[ $# -gt 0 ] || set -- localhost
first=$1
names=
for name; do
  case $name in
    *:*) names="$names,IP:$name" ;;
    *[!0-9.]*) names="$names,DNS:$name" ;;
    *) names="$names,IP:$name" ;;
  esac
done
umask 077
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 \
  -keyout key.pem.part -out cert.pem.part -subj "/CN=$first" \
  -addext "subjectAltName=${names#,}" 2>/dev/null
mv key.pem.part key.pem
mv cert.pem.part cert.pem
chmod 644 cert.pem
echo "写好了 nginx/ssl/cert.pem 和 key.pem（自签名，365 天，只适合试用）"
