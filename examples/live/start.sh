#!/usr/bin/env bash
# Start the live example from a fresh clone: installs into .venv, prints the address to open.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -m pip install --quiet . -r examples/live/requirements.txt
exec .venv/bin/python examples/live "$@"
