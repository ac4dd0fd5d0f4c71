#!/bin/sh
# `make audit`: set up, audit this host, say what to type next.
#
# Ends with 0 whenever the audit worked, whatever its verdict: a host that is not ready is an answer and no failure
# of make. What keeps it from working (no environment, unusable input, an interrupt) passes through. Where the
# verdict must decide something, in a pipeline for instance, `.venv/bin/lxc-preflight audit` is what to call.
set -u
cd "$(dirname "$0")/.." || exit 2
tools/setup.sh run || exit 2
.venv/bin/lxc-preflight audit "$@"
code=$?
case $code in
    0) meaning="the gate is passed" ;;
    1) meaning="something that matters fails" ;;
    3) meaning="nothing fails, but something that matters could not be decided" ;;
    *) exit "$code" ;;
esac
cat >&2 <<END

The audit's exit code is $code: $meaning. (make succeeds: the audit did its work.)
Here, lxc-preflight is .venv/bin/lxc-preflight. Options go through make: make audit ARGS="--user alice -v"
END
