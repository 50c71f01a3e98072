#!/bin/sh
# Install the Debian or Ubuntu packages that the build needs, and only those whose tool does not work yet.
# Runs as root or through sudo. With neither it prints the command that is missing and exits 1.
set -eu

here=$(dirname "$0")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
missing=""

# need <package> <command that succeeds when the package is not needed>
need() {
    package=$1
    shift
    "$@" >/dev/null 2>&1 </dev/null || missing="$missing $package"
}

found() {
    command -v "$1"
}

compiles() {
    printf '#include <stdint.h>\n#include <string.h>\n' >"$scratch/probe.c"
    "$@" -c "$scratch/probe.c" -o "$scratch/probe.o"
}

links() {
    printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' >"$scratch/probe.c"
    "$@" "$scratch/probe.c" -o "$scratch/probe"
}

list_missing() {
    missing=""
    need make found make
    need git found git
    need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
    need xz-utils found xz
    need gcc found gcc
    need libc6-dev links gcc
    need gcc-arm-none-eabi found arm-none-eabi-gcc
    need libnewlib-arm-none-eabi compiles arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb
    need qemu-system-arm found qemu-system-arm
    # The unix MicroPython of the tests is a 32-bit program, so that its small integers and floats are those of the board.
    if [ "$(uname -m)" = x86_64 ]; then
        need gcc-multilib links gcc -m32
    fi
    if ! sh "$here/python.sh" >/dev/null 2>&1; then
        missing="$missing python3 python3-venv python3-dev"
    fi
}

list_missing
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "This machine has no apt-get. Install the equivalents of these Debian packages yourself:" >&2
    echo "   $missing" >&2
    exit 1
fi

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root="sudo"
else
    echo "Packages are missing, and this user is not root and has no sudo that works here. Have an administrator run:" >&2
    echo "    apt-get install --yes --no-install-recommends$missing" >&2
    echo "and then start again." >&2
    exit 1
fi

# One bounded wait for another apt, bounded network waits, no questions.
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get --yes -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 \
        -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@" </dev/null
}

# $missing is a list: it has to split into words.
# shellcheck disable=SC2086
install_missing() {
    apt install --no-install-recommends $missing
}

echo "Installing packages:$missing"
# Old package lists name files that the archive no longer has: then, and only then, they are renewed.
if ! install_missing >"$scratch/apt.log" 2>&1; then
    echo "Renewing the package lists"
    apt update >"$scratch/update.log" 2>&1 || tail -n 5 "$scratch/update.log" >&2
    if ! install_missing >"$scratch/apt.log" 2>&1; then
        tail -n 20 "$scratch/apt.log" >&2
        echo "apt could not install:$missing" >&2
        exit 1
    fi
fi

list_missing
if [ -n "$missing" ]; then
    echo "Installed, but these still do not work:$missing" >&2
    sh "$here/python.sh" >/dev/null || true
    exit 1
fi
