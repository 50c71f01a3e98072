#!/bin/sh
# Print the command of the Python that .venv is made with: the first of python3.13 .. python3.11, python3 that is 3.11 or
# later and can make a virtual environment and compile C extensions. PYTHON=... puts another one in front.
# Exit 1 with the list of what was found when there is none.
set -eu

probe='
import sys
print("%d.%d" % sys.version_info[:2], end="")
if sys.version_info < (3, 11):
    sys.exit(": older than 3.11")
try:
    import ensurepip, venv
except ImportError as missing:
    sys.exit(": no module %s (package python3-venv)" % missing.name)
import os.path, sysconfig
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    sys.exit(": no Python.h (package python3-dev)")
'

seen=""
for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    if verdict=$("$candidate" -c "$probe" 2>&1); then
        echo "$candidate"
        exit 0
    fi
    # A launcher for a version that is not installed prints several lines; the first one says enough.
    seen="$seen
  $candidate: $(printf '%s\n' "$verdict" | head -n 1)"
done

echo "No usable Python: 3.11 or later with venv, ensurepip and the C headers is needed. Found:${seen:- none}" >&2
echo "Next step: install one (Debian 12, Ubuntu 24.04 and later: apt-get install python3 python3-venv python3-dev)," >&2
echo "or name one: make setup PYTHON=/path/to/python3" >&2
exit 1
