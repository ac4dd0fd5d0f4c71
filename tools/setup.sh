#!/bin/sh
# Make the private environment in .venv: `tools/setup.sh run` for an audit, `tools/setup.sh dev` for the tests.
#
# Nothing outside .venv is touched, with two exceptions that take root on Debian or Ubuntu: Python's venv module
# when it is missing, and for `dev` the packages of tools/os-packages.txt, with which the tests try LXC itself.
# Ends with 0, or with 1 and one line that says what to install. `tools/setup.sh python` prints which Python is used.
set -eu
cd "$(dirname "$0")/.."
what=${1:?usage: tools/setup.sh run|dev|python}
lock=requirements/$what.txt
stamp=.venv/$what.lock

say() { echo "lxc-preflight: $*" >&2; }
fail() { say "$*"; exit 1; }
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

quietly() { # COMMAND...: its output is shown when it fails
    if ! output=$("$@" 2>&1); then
        echo "$output" >&2
        return 1
    fi
}

apt_updated=
apt() { # apt PACKAGE...
    say "installing $*"
    export DEBIAN_FRONTEND=noninteractive
    if [ -z "$apt_updated" ]; then
        quietly apt-get update || say "apt-get update failed; going on with the lists there are"
        apt_updated=1
    fi
    quietly apt-get install -y --no-install-recommends "$@"
}

# The first interpreter that is new enough, by its own path: a version manager's shim may not be on tomorrow's PATH.
find_python() {
    for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    fail "Python 3.11 or newer is needed; $(python3 --version 2>&1) is here. Say PYTHON=... if it has another name."
}

make_venv() {
    python=$(find_python) || exit 1
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        package=python3-venv
        if [ "$python" != "$(python3 -c 'import sys; print(sys.executable)')" ]; then
            package=$("$python" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')
        fi
        can_apt || fail "Python's venv module is missing: apt-get install $package"
        apt "$package"
    fi
    rm -rf .venv
    "$python" -m venv .venv
}

os_packages() {
    missing=
    packages=$(grep -v '^#' tools/os-packages.txt)
    for package in $packages; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
            installed) ;;
            *) missing="$missing $package" ;;
        esac
    done
    # shellcheck disable=SC2086  # a list of words
    [ -z "$missing" ] || apt $missing || say "not all of$missing could be installed: some tests will be skipped"
}

if [ "$what" = python ]; then find_python; exit; fi
if [ "$what" = dev ] && can_apt; then os_packages; fi
# Bytecode beforehand: the audit's 270 modules would else be compiled at every start by whoever may not write here.
compile() { .venv/bin/python -m compileall -q audit checks remediations reports runner lxc_preflight || :; }
if cmp -s "$lock" "$stamp"; then compile; exit 0; fi
if ! is_new_enough .venv/bin/python; then make_venv; fi
say "setting up .venv with $lock"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$lock" ||
    fail "pip could not install $lock: is a package index reachable from here?"

# What an installed wheel puts there, for a checkout.
cat >.venv/bin/lxc-preflight <<LAUNCHER
#!$PWD/.venv/bin/python
import sys

sys.path.insert(0, "$PWD")
from lxc_preflight import main

sys.exit(main())
LAUNCHER
chmod +x .venv/bin/lxc-preflight
cp "$lock" "$stamp"
compile
