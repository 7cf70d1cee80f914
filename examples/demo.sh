#!/usr/bin/env bash
# From a fresh clone to an accelerated server that answers a real client.
#
# Makes a virtual environment in .venv, installs fastws and the websockets library there, starts
# examples/echo/websockets_echo.py with fastws under it, and talks to it.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -m pip install --quiet . websockets
.venv/bin/fastws info

echo
log=$(mktemp)
.venv/bin/fastws run examples/echo/websockets_echo.py --port 0 >"$log" &
server=$!
trap 'kill "$server" 2>/dev/null; rm -f "$log"' EXIT
until [ -s "$log" ] || ! kill -0 "$server" 2>/dev/null; do sleep 0.1; done
.venv/bin/python examples/echo/client.py "$(sed -n 's/^listening on //p' "$log")"

echo
echo "To leave a server running:   .venv/bin/fastws echo"
echo "To run a program of yours:   .venv/bin/fastws run server.py"
