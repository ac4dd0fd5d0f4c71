#!/bin/sh
# provision.sh USER NAME [OPTIONS OF run...]: as root, audit this host for a user, then run a container of theirs.
#
# Ends with the exit code of what stopped it: 1 a finding at or above $FAIL_ON (blocking), 2 unusable input,
# 3 undecided. The report is kept in $REPORT (preflight.json), whatever the verdict.
set -eu
user=${1:?usage: provision.sh USER NAME [OPTIONS OF run...]}
name=${2:?usage: provision.sh USER NAME [OPTIONS OF run...]}
shift 2
tool=${LXC_PREFLIGHT:-lxc-preflight}

# shellcheck disable=SC2086  # a command with arguments
$tool audit --user "$user" --fail-on "${FAIL_ON:-blocking}" --save "${REPORT:-preflight.json}"
# shellcheck disable=SC2086
$tool run "$name" --user "$user" --linger "$@"
# shellcheck disable=SC2086
$tool exec "$name" --user "$user" -- true
