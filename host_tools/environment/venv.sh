#!/bin/sh
# Make or renew .venv in the project's root and install the project in it, editable, with the developers' extras.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"

if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(sh host_tools/environment/python.sh)
    echo "Making .venv with $python ($("$python" --version))"
    "$python" -m venv --clear .venv
fi

echo "Installing the project and its tools in .venv"
if ! .venv/bin/python -m pip install --quiet --no-input --use-pep517 --disable-pip-version-check \
    --editable '.[dev]' </dev/null; then
    echo "pip could not install the project. Next step: check that pip reaches a package index (pip config list)." >&2
    exit 1
fi
