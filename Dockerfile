FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock ./
RUN --mount=type=cache,target=/var/cache/pip \
    python -m venv --without-pip /opt/yuqiao \
 && python -m pip --python /opt/yuqiao/bin/python --disable-pip-version-check \
    install --quiet --no-compile --cache-dir /var/cache/pip --require-hashes -r requirements.lock \
 && /opt/yuqiao/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/yuqiao/lib
COPY bots /app/bots
COPY config /app/config
COPY hub /app/hub
COPY web /app/web
COPY LICENSE CHANGELOG.md entrypoint.sh /app/
COPY docker /build/bin
# Whoever cloned this with a tight umask has files that the hub's user could not read.
RUN /opt/yuqiao/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /app \
 && chmod -R u=rwX,go=rX /app /build/bin \
 && chmod 0755 /app/entrypoint.sh /build/bin/*

FROM python:3.11-slim-bookworm
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini tzdata \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
 && groupadd --gid 10001 yuqiao \
 && useradd --uid 10001 --gid 10001 --home-dir /app --no-create-home --no-log-init \
    --shell /usr/sbin/nologin yuqiao \
 && install -d -o yuqiao -g yuqiao -m 0750 /app/data /app/backups /app/logs
COPY --from=build /opt/yuqiao /opt/yuqiao
COPY --from=build /app /app
COPY --from=build /build/bin /usr/local/bin

ARG VERSION=0.1.0
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="鱼桥 Yuqiao" \
      org.opencontainers.image.description="在 QQ 里经营闲鱼店铺" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

# The port inside never changes; which one people use is decided where it is published.
ENV PATH=/opt/yuqiao/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    TZ=Asia/Shanghai \
    WEB_HOST=0.0.0.0 \
    WEB_PORT=8080
WORKDIR /app
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=40s --retries=3 CMD ["yuqiao-health"]
ENTRYPOINT ["/app/entrypoint.sh"]
CMD ["yuqiao", "serve"]
