#!/bin/sh
# What a script does with the service at $1, with curl and nothing else; ends at the first surprise.
set -eu

base=$1
folder=$2
cd "$folder"

expect() { # STATUS ARGUMENTS…: what curl gets is in the file `answer`
    expected=$1
    shift
    status=$(curl --silent --show-error --output answer --write-out '%{http_code}' "$@")
    if [ "$status" != "$expected" ]; then
        echo "expected $expected, got $status: $*" >&2
        cat answer >&2
        exit 1
    fi
}

field() { # NAME: the text of a field of the last answer
    sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" answer
}

account='username=ada' password='password=correct horse battery staple'
expect 201 "$base/auth/register" -d "$account" --data-urlencode "$password"

# Name and password with each request; from a file, for what stands on a command line can be seen.
printf 'user = "ada:correct horse battery staple"\n' > secret
expect 200 -K secret "$base/auth/users/me"
expect 401 -u ada:wrong "$base/auth/users/me"
expect 401 "$base/auth/users/me"

# A cookie jar.
expect 200 -c jar "$base/auth/login" -d "$account" --data-urlencode "$password"
jwt=$(field token)
expect 200 -b jar "$base/auth/users/me"
test "$(field username)" = ada

# Tokens of all kinds.
expect 201 -b jar "$base/auth/tokens" -d title=script
token=$(field token)
expect 201 -b jar -X POST "$base/auth/developer-token"
developer=$(field token)
for bearer in "$token" "$developer" "$jwt"; do
    expect 200 -H "Authorization: Bearer $bearer" "$base/auth/users/me"
    expect 200 -H "Auth-Token: $bearer" "$base/auth/users/me"
    expect 200 -G "$base/auth/users/me" -d "jwt=$bearer"
    expect 401 -H "Authorization: Bearer ${bearer}x" "$base/auth/users/me"
done
expect 403 -H "Authorization: Bearer $token" "$base/auth/tokens"

# One is revoked by its value, one by whoever found it, and the rest by logging out.
expect 200 -K secret "$base/auth/tokens/revoke" -d "token=$token"
expect 401 -H "Authorization: Bearer $token" "$base/auth/users/me"
expect 200 "$base/auth/token-leaked" -d "token=$developer"
expect 401 -H "Authorization: Bearer $developer" "$base/auth/users/me"
expect 200 -b jar -c jar -X DELETE "$base/auth/logout"
expect 401 -H "Authorization: Bearer $jwt" "$base/auth/users/me"
expect 401 -b jar "$base/auth/users/me"
echo done
