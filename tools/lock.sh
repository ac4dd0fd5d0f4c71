#!/bin/sh
# Pin the newest allowed versions with their hashes, for every Python and platform that is supported.
# The files name no index: pip's own configuration says where packages come from.
set -eu
cd "$(dirname "$0")/.."
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
"$(tools/setup.sh python)" -m venv "$tool"
"$tool/bin/pip" install --quiet --disable-pip-version-check uv
lock() { # lock FILE OPTION...
    file=$1
    shift
    "$tool/bin/uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
        --custom-compile-command "make lock" --no-annotate --output-file "requirements/$file" pyproject.toml "$@"
}
mkdir -p requirements
lock dev.txt --group dev
lock run.txt --constraints requirements/dev.txt
