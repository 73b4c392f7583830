#!/usr/bin/env bash
# Build wheel and sdist, check them, and try each alone, in an environment and a folder of its own,
# on the versions of Python that are named: tests/dist.sh 3.11 3.12. Without names: build and check;
# with --built before them: try what is in dist/.
set -euo pipefail
cd "$(dirname "$0")/.."
if test "${1:-}" = --built; then
  shift
else
  rm -rf dist
  python -m build --outdir dist .
  python -m twine check --strict dist/*
fi
photo=$PWD/docs/astronaut.png
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version; do
  python=python$version
  if ! "$python" --version >/dev/null 2>&1; then
    echo "dist: $python is not here, and nothing was tried on it" >&2
    missing=yes
    continue
  fi
  for file in "$PWD"/dist/*; do
    "$python" -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$file"
    (
      cd "$work"
      venv/bin/fkd --version
      venv/bin/fkd infer "$photo" --json --detector neural | venv/bin/python -c '
import json, sys
faces = json.load(sys.stdin)["faces"]
assert len(faces) == 1 and len(faces[0]["points"]) == 68, faces
import fkd, pathlib
assert (pathlib.Path(fkd.__file__).parent / "server" / "page" / "page.js").is_file(), "no page"'
    )
    rm -rf "$work/venv"
    echo "dist: ${file##*/} works alone on Python $version"
  done
done
test -z "${missing:-}"
