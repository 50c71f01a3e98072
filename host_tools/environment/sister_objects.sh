#!/bin/sh
# Images of one board and variant differ only in what is frozen: the folder of a new one begins with what a sister compiled.
#   sister_objects.sh take FOLDER KIND    before the build; KIND tells what else the objects depend on
#   sister_objects.sh give FOLDER KIND    after the build, which has succeeded
# Sisters are looked for in build/, by their file objects.kind; `make` compares times and compiles what is older than its source.
set -eu

folder=$2
kind=$3

if [ "$1" = give ]; then
    printf '%s\n' "$kind" >"$folder/objects.kind"
    exit
fi

# While it is built nobody takes from it.
rm -f "$folder/objects.kind"
rmdir "$folder" 2>/dev/null || [ ! -e "$folder" ] || exit 0
for mark in "$(cd "$(dirname "$0")/../.." && pwd)"/build/*/objects.kind; do
    [ "$(cat "$mark" 2>/dev/null)" = "$kind" ] || continue
    sister=$(dirname "$mark")
    new=$folder.new
    rm -rf "$new"
    mkdir -p "$(dirname "$new")"
    cp -a "$sister" "$new"
    cd "$new"
    rm -rf firmware.* frozen_* generated mission objects.kind
    # What each object depends on is written with the folder's name.
    find . -name '*.P' -exec sed -i "s#$sister/#$folder/#g" {} +
    mv "$new" "$folder"
    exit
done
