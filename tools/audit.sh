#!/bin/sh
# `make audit`: set up, audit this host, say what to type next.
#
# Ends with 0 whenever the audit worked, whatever its verdict: a host that is not ready is an answer and no failure
# of make. Unusable input (2) and a crash pass through. Where the verdict must decide something, in a pipeline for
# instance, `.venv/bin/lxc-preflight audit` is what to call.
set -u
cd "$(dirname "$0")/.." || exit 2
next() { echo "$*" >&2; }

code=0
if tools/setup.sh run; then
    .venv/bin/lxc-preflight audit "$@" || code=$?
    tool=.venv/bin/lxc-preflight
else
    python=$(tools/setup.sh python) || exit 2
    next "lxc-preflight: going on without its libraries: the report is plain"
    "$python" -m lxc_preflight audit "$@" || code=$?
    tool="$python -m lxc_preflight"
fi
case $code in
    0) meaning="the gate is passed" ;;
    1) meaning="something that matters fails" ;;
    3) meaning="nothing fails, but something that matters could not be looked at" ;;
    *) exit "$code" ;;
esac
next
next "The audit's own exit code is $code: $meaning. What to type next:"
next "  make audit ARGS=\"--user alice\"    for another user; any option of the audit goes there (-v: every check)"
next "  $tool explain ID    what a check looks at, why, and where that is written"
[ "$code" = 0 ] || next "  make audit    again, when a named cause is cured"
