#!/bin/sh
# `make audit`: set up, audit this host, say what to type next.
#
# Ends with 0 whenever the audit worked, whatever its verdict: a host that is not ready is an answer and no failure
# of make. Unusable input (2) and a crash pass through. Where the verdict must decide something, in a pipeline for
# instance, `.venv/bin/lxc-preflight audit` is what to call.
set -u
cd "$(dirname "$0")/.." || exit 2
say() { echo "$*" >&2; }

if tools/setup.sh run; then
    tool=.venv/bin/lxc-preflight
    "$tool" audit "$@"
    code=$?
else
    python=$(tools/setup.sh python) || exit 2
    say "lxc-preflight: going on without its libraries: the report is plain"
    tool="$python -m lxc_preflight"
    "$python" -m lxc_preflight audit "$@"
    code=$?
fi
case $code in
    0) meaning="the gate is passed" ;;
    1) meaning="something that matters fails" ;;
    3) meaning="nothing fails, but something that matters could not be looked at" ;;
    *) exit "$code" ;;
esac
say
say "The audit's exit code is $code: $meaning. (make succeeds: the audit did its work.)"
say "Here, lxc-preflight is $tool. Options go through make: make audit ARGS=\"--user alice -v\""
