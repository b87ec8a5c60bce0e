#!/bin/sh
# Build the container image and try it for real: docs/container.md says what is shown, and what not.
#
#   tools/image.sh                  with Docker where it answers, else Podman (installed on Debian)
#   ENGINE=podman tools/image.sh    with that one
#   BASE=python:3.12-slim …         on another base; PYTHON_VERSION=3.12 does the same
#   IMAGE=name:tag …                under another name than dhq-auth
#   tools/image.sh --engine         only print how the engine is called here
set -eu

cd "$(dirname "$0")/.."
image=${IMAGE:-dhq-auth}
python=${PYTHON:-python3}
default_base=python:${PYTHON_VERSION:-3.13}-slim
stand_in=localhost/dhq-auth-stand-in-base
certificates=/etc/ssl/certs/ca-certificates.crt

say() { echo "image: $*"; }

fail() {
    echo "image: $*" >&2
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
    say "installing $*" >&2
    as_root apt-get update -q >/dev/null || fail "apt-get update failed: is the network there?"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "$@" >/dev/null || fail "cannot install $*"
}

choose_engine() {
    engine=${ENGINE:-}
    if [ -z "$engine" ]; then
        if docker info >/dev/null 2>&1; then engine=docker; else engine=podman; fi
    fi
    case $engine in
    docker) docker info >/dev/null 2>&1 || fail "Docker does not answer" ;;
    podman) command -v podman >/dev/null ||
        install_packages podman runc containernetworking-plugins iptables ;;
    *) fail "ENGINE is $engine; expected: docker or podman" ;;
    esac
    call=$engine
    # Podman's other runtime, crun, fails where cgroups of version 1 are mounted beside version 2.
    if [ "$engine" = podman ] && command -v runc >/dev/null; then call="podman --runtime runc"; fi
}

# shellcheck disable=SC2086 # several words
run_engine() { $call "$@"; }

# Two at once would make the same base twice.
wait_for_others() {
    exec 9>"${TMPDIR:-/tmp}/dhq-auth-image-$(id -u).lock"
    if command -v flock >/dev/null; then flock 9; fi
}

# Docker fetches the base by itself. Podman is not sent out for it: where it does not have the
# base, a Debian with its Python stands in, made once from the mirror that this machine uses.
choose_base() {
    base=${BASE:-$default_base}
    if [ "$engine" = docker ] || [ -n "${BASE:-}" ] || podman image exists "$base"; then
        return
    fi
    say "$base is not here (\"podman pull $base\" gets it): a Debian with its Python stands in"
    base=$stand_in
    podman image exists "$base" || make_stand_in
}

# As slim images are: without documentation, without bytecode.
make_stand_in() {
    command -v mmdebstrap >/dev/null || install_packages mmdebstrap
    # shellcheck disable=SC1091 # every Linux has it
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # No mirror in APT's lists: mmdebstrap knows where the distribution lives.
    # shellcheck disable=SC2016 # $(REPO_URI) is for APT
    mirror=$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' "Codename: $codename" 'Origin: Debian' | head -n 1)
    say "making the stand-in from Debian $codename (once; a minute or two)"
    # shellcheck disable=SC2016,SC2086 # $1 is for mmdebstrap's shell; an empty mirror is no argument
    mmdebstrap --quiet --variant=minbase --include=python3,python3-pip,ca-certificates \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='find "$1/usr" -name __pycache__ -prune -exec rm -rf {} +' \
        "$codename" "$temporary/base.tar" $mirror || fail "mmdebstrap failed"
    run_engine import --quiet --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
        "$temporary/base.tar" "$stand_in" >/dev/null
    rm "$temporary/base.tar"
}

# What pip needs on this machine to reach its index: given as build secrets, kept in no layer.
write_pip_conf() {
    echo "[global]"
    for option in index-url trusted-host; do
        value=$("$python" -m pip config get "global.$option" 2>/dev/null || true)
        [ -z "$value" ] || echo "$option = $value"
    done
    [ ! -e "$certificates" ] || echo "cert = $certificates"
}

build() {
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
    revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
    (umask 077 && write_pip_conf >"$temporary/pip.conf")
    set -- --tag "$image" --build-arg "BASE=$base" --build-arg "VERSION=$version" \
        --build-arg "REVISION=$revision" --secret "id=pip.conf,src=$temporary/pip.conf"
    [ ! -e "$certificates" ] || set -- "$@" --secret "id=certificates,src=$certificates"
    # Podman would keep neither HEALTHCHECK without the format, nor the layers for the next build;
    # it would raise limits that it may not be allowed to raise.
    [ "$engine" = docker ] || set -- "$@" --format docker --layers --pull=never --network host \
        --ulimit nofile=4096:4096 --ulimit nproc=4096:4096
    say "building $image on $base with $engine"
    run_engine build "$@" . >"$temporary/log" 2>&1 || {
        cat "$temporary/log" >&2
        fail "the build failed"
    }
}

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
trap 'exit 1' HUP INT TERM

wait_for_others
choose_engine
if [ "${1:-}" = --engine ]; then
    echo "$call"
    exit
fi
choose_base
old=$(run_engine image inspect --format '{{.Id}}' "$image" 2>/dev/null || true)
build
new=$(run_engine image inspect --format '{{.Id}}' "$image")
# The one that this one replaces, unless a container uses it.
[ -z "$old" ] || [ "$old" = "$new" ] || run_engine rmi "$old" >/dev/null 2>&1 || true

# shellcheck disable=SC2086 # several words
"$python" tools/image/trial.py "$image" $call
if [ "$base" = "$stand_in" ]; then
    say "not shown: the base $default_base itself; a Debian with its Python stood in for it"
fi
