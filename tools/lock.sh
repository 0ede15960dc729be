#!/usr/bin/env bash
# Writes the locks again: every version pinned, every file hashed, no index named. Needs uv (pip install uv).
# Package indexes of this machine's own are left out, so that the locks install from PyPI alone.
set -euo pipefail
cd "$(dirname "$0")/.."
unset UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_FIND_LINKS
export UV_CUSTOM_COMPILE_COMMAND="make lock"
flags=(--quiet --universal --generate-hashes --no-emit-index-url --no-annotate)
compile=("${compile[@]}" --extra aws --extra otel --extra postgres --extra redis --extra vault --constraints requirements-dev.lock --output-file requirements-gateway.lock
uv --no-config pip compile "${flags[@]}" pyproject.toml)
"${compile[@]}" --extra build --extra testing --extra aws --extra otel --extra postgres --extra redis --extra vault --group setup --group dev --output-file requirements-dev.lock "$@"
"${compile[@]}" --extra build --group setup --constraints requirements-dev.lock --output-file requirements.lock
"${compile[@]}" --extra aws --extra otel --extra postgres --extra redis --extra vault --constraints requirements-dev.lock --output-file requirements-gateway.lock
uv --no-config pip compile "${flags[@]}" --python-version 3.11 --group docs --constraints requirements-dev.lock --output-file requirements-docs.lock
uv --no-config pip compile "${flags[@]}" --python-version 3.11 examples/desktop/requirements.in --output-file examples/desktop/requirements.lock
if grep -nE '://|^-|^ *file:' requirements.lock requirements-dev.lock requirements-docs.lock requirements-gateway.lock examples/desktop/requirements.lock; then
  echo "a lock names a place: the lines above" >&2
  exit 1
fi
