# The image of dhq-auth: docs/container.md tells how to build, try and run it.
#
# Any base will do that has `python3` (3.11 or newer) with pip, and Debian's `useradd`.
ARG PYTHON_VERSION=3.13
ARG BASE=python:${PYTHON_VERSION}-slim


FROM ${BASE} AS builder

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_COMPILE=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /build
RUN python3 -m venv --without-pip /opt/dhq-auth

# The packages first: they change seldom. Both secrets are optional, for networks where pip needs an
# index or a certificate authority of one's own; nothing of them stays in the image.
COPY requirements.lock ./
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m pip --python /opt/dhq-auth/bin/python install \
        --require-hashes --only-binary :all: -r requirements.lock

# Then ours. What builds it is not needed to run it. The bytecode is never compared with its source:
# nobody can write either.
COPY pyproject.toml README.md LICENSE ./
COPY dhq_auth dhq_auth
COPY providers providers
COPY extensions extensions
RUN python3 -m pip --python /opt/dhq-auth/bin/python install \
        --no-index --no-deps --no-build-isolation . \
    && python3 -m pip --python /opt/dhq-auth/bin/python uninstall --yes setuptools \
    && /opt/dhq-auth/bin/python -m compileall -q -j 0 \
        --invalidation-mode unchecked-hash /opt/dhq-auth/lib


FROM ${BASE}

# - The interpreter's own packages, pip among them, are no part of the virtual environment.
# - The standard library comes without bytecode in slim images; a process that may not write it
#   would compile all that it imports at every start.
# - /data belongs to the user of the service; nothing else does.
RUN rm -rf /usr/bin/pip* /usr/local/bin/pip* \
        /usr/lib/python3/dist-packages/* /usr/local/lib/python3.*/site-packages/* \
        /usr/lib/python3.*/ensurepip /usr/local/lib/python3.*/ensurepip \
    && python3 -m compileall -q -j 0 -x '/(test|tests|idlelib|lib2to3|tkinter|turtledemo)/' \
        "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && useradd --no-log-init --user-group --uid 10001 --home-dir /nonexistent --no-create-home \
        --shell /usr/sbin/nologin dhq-auth \
    && install -d -o dhq-auth -g dhq-auth -m 0700 /data

# DATABASE_URL is left at its default, data/dhq-auth.db, which is /data/dhq-auth.db from here: where
# the image set it, DATABASE_URL_FILE would be refused beside it.
WORKDIR /
VOLUME ["/data"]
ENV PATH=/opt/dhq-auth/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    TMPDIR=/data \
    HOST=0.0.0.0 \
    PORT=8000
EXPOSE 8000
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/opt/dhq-auth/bin/dhq-auth", "healthcheck"]
ENTRYPOINT ["/opt/dhq-auth/bin/dhq-auth"]
CMD ["serve"]

COPY --from=builder /opt/dhq-auth /opt/dhq-auth

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="dhq-auth" \
      org.opencontainers.image.description="A small, fast, self-hosted identity service" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
