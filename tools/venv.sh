#!/usr/bin/env bash
# Makes the virtual environment named by $1 with a Python that is new enough; says what to do when there is none.
set -euo pipefail
target=$1
new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

candidates=${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}
for python in $candidates; do
  if "$python" -c "$new_enough" >/dev/null 2>&1; then
    found=$python
    break
  fi
done
if [ -z "${found:-}" ]; then
  echo "pysandbox needs Python 3.11 or newer. Looked at:" >&2
  for python in $candidates; do
    echo "  $python: $("$python" --version 2>&1 | tail -n 1 || true)" >&2
  done
  echo "Install one (Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.11 …" >&2
  exit 1
fi

echo "Making a virtual environment with $("$found" --version)"
if ! problem=$("$found" -m venv --clear "$target" 2>&1); then
  rm -rf "$target"
  echo "$problem" >&2
  echo "This Python cannot make virtual environments. Debian keeps that in a package of its own:" >&2
  echo "  apt-get install -y python3-venv" >&2
  exit 1
fi
