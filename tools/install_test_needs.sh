#!/bin/sh
# Install what the tests need beside Python's packages: Chromium, Node.js, PostgreSQL where the
# wheel does not run, an engine for containers, and the packages of tests/fakes/node. Does nothing
# where all is there. The fast tests need none of it: make check
set -eu

cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
node_folder=tests/fakes/node
node_least=20.19.0

fail() {
    echo "install_test_needs: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "root is needed to install packages, and sudo is missing"
    fi
}

install_packages() {
    command -v apt-get >/dev/null || fail "install $* by hand: this system has no apt-get"
    echo "install_test_needs: installing $*"
    as_root apt-get update -q || fail "apt-get update failed: is the network there?"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "$@" || fail "apt-get could not install $*"
}

[ -x /usr/bin/chromium ] || install_packages chromium
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || install_packages nginx-light
command -v caddy >/dev/null || install_packages caddy
command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || install_packages pgbouncer
command -v openssl >/dev/null || install_packages openssl
command -v curl >/dev/null || install_packages curl
command -v fail2ban-regex >/dev/null || install_packages fail2ban
command -v sqlite3 >/dev/null || install_packages sqlite3
# For tests/faults: clocks that jump, and a disk of their own that fills.
command -v faketime >/dev/null || install_packages faketime
command -v unshare >/dev/null || install_packages util-linux

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    install_packages nodejs npm
fi
node_version=$(node --version)
printf '%s\n%s\n' "$node_least" "${node_version#v}" | sort -V -C ||
    fail "Node.js $node_version is too old: $node_least or later is needed"

if [ ! -x "$python" ]; then
    fail "$python is missing: run make install first"
elif ! "$python" -m tests.fakes.postgres >/dev/null 2>&1; then
    install_packages postgresql
    "$python" -m tests.fakes.postgres >/dev/null || fail "PostgreSQL does not run"
fi

# For the container image, where no Docker answers; tools/image.sh says what for.
if ! docker info >/dev/null 2>&1; then
    command -v podman >/dev/null ||
        install_packages podman runc containernetworking-plugins iptables
    command -v mmdebstrap >/dev/null || install_packages mmdebstrap
fi

# npm writes this file when it has finished.
done=$node_folder/node_modules/.package-lock.json
if [ ! -e "$done" ] || [ "$node_folder/package-lock.json" -nt "$done" ]; then
    echo "install_test_needs: installing the packages of $node_folder"
    (cd "$node_folder" && npm ci --no-audit --no-fund) || fail "npm ci failed in $node_folder"
    touch "$done"
fi
