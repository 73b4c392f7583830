#!/usr/bin/env bash
# Build the Dockerfile and run its server's health check, without a container engine or an image
# registry: a base image of Debian's own Python stands for the one that the Dockerfile names, and
# buildah runs each step in a chroot. As root on Debian 12; what is made is removed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
test "$(id -u)" = 0 || { echo 'test-image: chroot needs root'; exit 1; }
! (exec 3<>/dev/tcp/127.0.0.1/8000) 2>/dev/null || { echo 'test-image: port 8000 is taken'; exit 1; }
command -v buildah debootstrap >/dev/null || {
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends buildah debootstrap
}

work=$(mktemp -d)
buildah() { command buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
# The last process below another: the server itself, without which buildah ends and tidies up.
innermost() { local child; child=$(pgrep -P "$1" | tail -1) && innermost "$child" || echo "$1"; }
served=
stop() {
  test -z "$served" || { kill "$(innermost "$served")" && wait "$served" || true; } 2>/dev/null
  served=
}
finish() { stop; rm -rf "$work"; }
trap finish EXIT

base=$(sed -n 's/^FROM //p' Dockerfile)
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates \
  "$suite" "$work/base" http://deb.debian.org/debian >"$work/log" || { cat "$work/log"; exit 1; }
ln -s /usr/bin/python3 "$work/base/usr/local/bin/python"
rm -f "$work"/base/usr/lib/python3*/EXTERNALLY-MANAGED  # Debian's own pip installs nothing globally
cp /etc/ssl/certs/ca-certificates.crt "$work/base/etc/ssl/certs/"  # of whom this machine trusts
container=$(buildah from scratch)
buildah add --quiet "$container" "$work/base" /
buildah config --env PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "$container"
buildah commit --quiet --rm "$container" "docker.io/library/$base" >/dev/null
rm -rf "$work/base"

buildah build --isolation chroot --pull-never --format docker --tag fkd .
container=$(buildah from --pull-never localhost/fkd)
in_image() { buildah run --isolation chroot "$container" -- "$@"; }
# The list of words that the image's configuration has at a path, such as Healthcheck.Test.
words() {
  buildah inspect --type image localhost/fkd | python3 -c '
import functools, json, sys
config = json.load(sys.stdin)["Docker"]["config"]
print(*functools.reduce(dict.__getitem__, sys.argv[1].split("."), config), sep="\0", end="\0")' "$1"
}
mapfile -d '' -t entrypoint < <(words Entrypoint)
mapfile -d '' -t health < <(words Healthcheck.Test)  # "CMD" and the command

test "$(in_image id -u)" != 0 || { echo 'test-image: the image runs as root'; exit 1; }
in_image "${entrypoint[@]}" & served=$!
for _ in $(seq 60); do
  in_image "${health[@]:1}" 2>/dev/null && healthy=yes && break
  sleep 1
done
test "${healthy:-}" = yes || { echo 'test-image: the health check fails after a minute'; exit 1; }
python3 - <<'PYTHON'
import json
import urllib.request

with open("docs/astronaut.png", "rb") as photo:
    request = urllib.request.Request("http://127.0.0.1:8000/v1/landmarks", photo.read())
faces = json.load(urllib.request.urlopen(request, timeout=30))["faces"]
assert len(faces) == 1 and len(faces[0]["points"]) == 68, faces
PYTHON
stop  # buildah calls that an error
size=$(buildah images --format '{{.Size}}' localhost/fkd)
echo "test-image: $size, healthy, and finds the face in docs/astronaut.png"
