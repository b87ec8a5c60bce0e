#!/bin/sh
# Print PRIVATE_KEY and PUBLIC_KEY, a line each, ready for an environment file:
#
#     tools/generate_key_pair.sh [BITS] >> .env
#     set -a; . ./.env                 # for a shell, or:
#     docker run --env-file .env …     # the service takes the quotes off again
set -eu

bits=${1:-2048}
case $bits in
    *[!0-9]*) bits=0 ;;
esac
if [ "$bits" -lt 2048 ] || [ "$bits" -gt 16384 ]; then
    echo "usage: $0 [BITS], with BITS from 2048 to 16384" >&2
    exit 2
fi

one_line() {
    awk '{ printf "%s\\n", $0 }'
}

if ! private=$(openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$bits" 2>/dev/null); then
    echo "$0: openssl made no key; is it installed?" >&2
    exit 1
fi
public=$(printf '%s\n' "$private" | openssl pkey -pubout)
printf "PRIVATE_KEY='%s'\n" "$(printf '%s\n' "$private" | one_line)"
printf "PUBLIC_KEY='%s'\n" "$(printf '%s\n' "$public" | one_line)"
