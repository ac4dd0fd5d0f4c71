# How the steps above are done. Nothing here is specific to a host; lxc-preflight ships it as remediations/library.sh.
#
# Every change is recorded before it is made, below $state: what was there, and what takes it back. A file is
# written beside, flushed and renamed, with the owner, mode, ACL and context of the old one. What is the user's is
# done with the user's rights. ROOT=DIR works on a tree instead of this host; what takes a running host is left out.
# shellcheck shell=sh

umask 022
ROOT=${ROOT:-}
ROOT=${ROOT%/}
AS=      # "user": the verb at hand uses the user's rights
journal= # where this run records; made by the first change
number=0
failed=0
undoing=
work=
locked=

say() { printf '%s\n' "$*"; }
die() {
    printf 'lxc-preflight: %s\n' "$*" >&2
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }
quoted() { printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"; }
flush() { sync -- "$@" 2>/dev/null || sync; }
text_of() { # FILE: its content, in $text, with every newline
    text=$(cat -- "$1" && printf x)
    text=${text%x}
}

own() { # COMMAND...: with the user's rights under as_user, else with ours; never with our lock
    if [ "$AS" != user ] || [ "$(id -u)" = "$uid" ]; then
        "$@" 9>&-
    elif setpriv=$(capable_setpriv); then
        "$setpriv" --reuid "$uid" --regid "$gid" --clear-groups -- "$@" 9>&-
    elif [ -n "$ROOT" ]; then
        die "to use the rights of a tree's user takes util-linux's setpriv"
    elif has runuser; then
        runuser -u "$user" -- "$@" 9>&-
    else
        line=
        for word; do line="$line $(quoted "$word")"; done
        su -s /bin/sh "$user" -c "$line" 9>&-
    fi
}
capable_setpriv() { # the path of one that can change ids; busybox's cannot
    for place in /usr/bin/setpriv /bin/setpriv; do
        if "$place" --help 2>&1 | grep -q -e --reuid; then
            say "$place"
            return
        fi
    done
    return 1
}
as_user() {
    [ -n "$uid" ] || die "there is no user $user yet: run lxc-preflight fix again once there is"
    AS=user
    own true || die "cannot act with the rights of $user"
    "$@"
    AS=
}

# --- where things are

physical() { # PATH: the directory that holds it, without symlinks, up to the first that is missing
    above=${1%/*}
    while [ ! -d "${above:-/}" ]; do above=${above%/*}; done
    (cd -P -- "${above:-/}" && pwd -P)
}
locate() { # PATH: where it is, in $at; refuses what would leave the tree, or the user's home by a symlink
    at=$ROOT$1
    inside= # the path lies in the home, and the rights are not the user's
    where=$(physical "$at")
    if [ -n "$ROOT" ]; then
        top=$(cd -P -- "$ROOT" && pwd -P)
        case $where/ in "$top"/*) ;; *) refuse "$1 leads out of $ROOT by a symlink: not touched" || return 1 ;; esac
    fi
    if [ -n "$home" ] && [ "$AS" != user ]; then
        case $1 in
            "$home"/*)
                inside=1
                base=$(cd -P -- "$ROOT$home" 2>/dev/null && pwd -P) || base=
                above=${1%/*}
                while [ ! -d "$ROOT$above" ]; do above=${above%/*}; done
                [ "$where" = "$base${above#"$home"}" ] || {
                    refuse "$1 is reached through a symlink of $user: do this by hand" || return 1
                }
                ;;
        esac
    fi
}
refuse() { # WHY: ends the step; undo goes on with the next record
    [ -n "$undoing" ] || die "$*"
    refused=$*
    return 1
}
follow() { # the file that $at stands for
    [ -L "$at" ] || return 0
    [ -z "$ROOT" ] || die "$at is a symlink: not followed in a tree; do this by hand"
    [ -z "$inside" ] || die "$at is a symlink of $user: do this by hand"
    at=$(own readlink -f -- "$at") || die "$at leads nowhere"
}

# --- the journal

state_of() { # the directory of journals, in $state
    if is_root; then
        state=$ROOT/var/lib/lxc-preflight/fix
    else
        state=${XDG_STATE_HOME:-$HOME/.local/state}/lxc-preflight/fix
    fi
}
latest() { # the number of the last run on record, or nothing
    [ ! -d "$state" ] || for entry in "$state"/[0-9]*; do [ ! -d "$entry" ] || say "${entry##*/}"; done | sort -n | tail -n 1
}
records() { # the records of the journal, oldest first
    for entry in "$journal"/[0-9]*; do
        case ${entry##*/} in *.*) ;; *) [ ! -d "$entry" ] || say "${entry##*/}" ;; esac
    done
}
exclusive() { # one at a time
    has flock || return 0
    exec 9>"$state/lock"
    flock -n 9 || die "another fix is at work on this host (it holds $state/lock)"
}
begin() { # before the first step
    sweep
    state_of
    for place in "$(dirname "${state%/*}")" "${state%/*}" "$state"; do
        [ -d "$place" ] || mkdir -p -- "$place" || die "cannot record changes in $state, so nothing is changed"
    done
    chmod 700 "$state"
    exclusive
}
open_journal() { # that of the run at hand; a run that was cut short is gone on with where it stood
    last=$(latest)
    if [ -n "$last" ] && [ ! -e "$state/$last/done" ]; then
        journal=$state/$last
        last=$(records | tail -n 1)
        number=$(printf '%s' "${last:-0}" | sed 's/^0*//')
        number=${number:-0}
    else
        journal=$state/$(printf '%04d' "$(($(printf '%s' "${last:-0}" | sed 's/^0*\(.\)/\1/') + 1))")
        mkdir -- "$journal" || die "cannot record changes in $state, so nothing is changed"
    fi
}
finish() { # after the last: the next run gets a journal of its own
    last=$(latest)
    journal=$state/$last
    if [ -n "$last" ] && [ ! -e "$journal/done" ]; then
        if [ -z "$(records)" ]; then
            rm -rf -- "$journal"
        elif [ -z "${LXC_PREFLIGHT_GOES_ON:-}" ]; then
            : >"$journal/done"
        fi
    fi
    tidy
    [ "$failed" = 0 ] || die "$failed of the steps could not be done, as said above"
}
tidy() { # nothing stays behind of what there is no record in
    [ -n "$(latest)" ] || [ -e "$state/kept" ] || rm -rf -- "$state"
    rmdir -- "${state%/*}" 2>/dev/null || :
}
record() { # VERB PATH: begin the record of one change, in $record
    [ -n "$journal" ] || open_journal
    number=$((number + 1))
    record=$journal/$(printf '%04d' "$number")
    rm -rf -- "$record.new"
    mkdir -- "$record.new"
    printf '%s' "$1" >"$record.new/verb"
    printf '%s' "$2" >"$record.new/path"
    printf '%s' "$AS" >"$record.new/as"
    printf '%s' "$user:$uid:$gid:$home" >"$record.new/user"
}
commit() { # the record is complete; from here on the change may be made
    flush "$record.new"/*
    mv -- "$record.new" "$record"
    flush "$journal"
}
forget() { rm -rf -- "$record"; number=$((number - 1)); }

# --- what the steps call

attempt() { # STEP...: each by itself; one that fails does not keep the others from being done
    for one; do
        set +e
        (
            set -e
            trap leave EXIT
            "$one"
        )
        code=$?
        set -e
        [ "$code" -lt 129 ] || exit "$code"
        [ "$code" = 0 ] || failed=$((failed + 1))
    done
}
step() { # NUMBER root|user|nobody TITLE: whether this step can be done; says so
    case $2 in
        root) is_root || {
            say "$1. $3: takes root, left out"
            return 1
        } ;;
        user) is_root || [ "$(id -u)" = "$uid" ] || {
            say "$1. $3: takes $user or root, left out"
            return 1
        } ;;
    esac
    say "$1. $3"
}
did() { say "   $*"; }
manual() { # TEXT...: what only a person can do
    for text; do say "   by hand: $text"; done
}

append() { # PATH LINE [BEHIND]: at the end, unless it is there, behind all lines that read BEHIND
    BEHIND=${3:-} change append "$1" 0 '' "$2"
}
replace() { change replace "$1" "$2" "$3" "$4"; }  # PATH NUMBER OLD NEW; NUMBER/OF where several lines are alike
delete() { change delete "$1" "$2" "$3" ''; }      # PATH NUMBER OLD
write() { # PATH MODE <CONTENT: a whole file
    workplace
    cat >"$work/new"
    locate "$1"
    follow
    fetch
    if [ -n "$there" ] && cmp -s "$work/old" "$work/new"; then
        did "$1: as wanted"
        return
    fi
    parents "$1"
    locate "$1"
    follow
    record write "$1"
    keep
    cp -- "$work/new" "$record.new/after"
    commit
    store "$work/new" "$2"
    did "$1: written"
}

workplace() {
    [ -n "$work" ] || work=$(mktemp -d)
}
leave() {
    unlock
    [ -z "$work" ] || rm -rf -- "$work"
}
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

change() { # append|replace|delete PATH NUMBER OLD NEW
    workplace
    locate "$2"
    follow
    lock "$2"
    fetch
    code=0
    BEHIND=${BEHIND:-} OP=$1 NUMBER=${3%/*} OF=${3#*/} OLD=$4 NEW=$5 edited <"$work/old" >"$work/new" || code=$?
    case $code in
        0) ;;
        3)
            unlock
            did "$2: as wanted"
            return
            ;;
        4) die "$2 has changed since it was judged (there is no line: $4): run lxc-preflight fix again" ;;
        *) die "cannot edit $2" ;;
    esac
    if [ -n "$there" ] && cmp -s "$work/old" "$work/new"; then
        unlock
        did "$2: as wanted"
        return
    fi
    [ -n "$there" ] || {
        parents "$2"
        locate "$2"
    }
    record "$1" "$2"
    keep
    cp -- "$work/new" "$record.new/after"
    printf '%s' "$4" >"$record.new/old"
    printf '%s' "$5" >"$record.new/new"
    commit
    store "$work/new" 644
    unlock
    [ -z "$4" ] || did "$2: - $4"
    [ -z "$5" ] || did "$2: + $5"
}
edited() { # standard input with the edit of the environment; 3: nothing to do, 4: cannot
    LC_ALL=C awk '
        { line[NR] = $0 }
        $0 == ENVIRON["OLD"] { olds++; if (!first) first = NR }
        $0 == ENVIRON["NEW"] { news++; newest = NR }
        ENVIRON["BEHIND"] != "" && $0 == ENVIRON["BEHIND"] { behind = NR }
        END {
            op = ENVIRON["OP"]; at = ENVIRON["NUMBER"] + 0; of = ENVIRON["OF"] + 0
            if (op == "append") { if (newest && newest >= behind) exit 3 }
            else {
                if (op == "delete" && olds < of) exit 3
                if (at < 1 || at > NR || line[at] != ENVIRON["OLD"]) {
                    if (op == "replace" && news) exit 3
                    if (!olds) exit 4
                    at = first
                }
            }
            for (i = 1; i <= NR; i++) if (i != at || op == "append") print line[i]; else if (op == "replace") print ENVIRON["NEW"]
            if (op == "append") print ENVIRON["NEW"]
        }'
}
fetch() { # the content of $at in $work/old; $there is empty when it is not there
    there=
    : >"$work/old"
    own test -e "$at" || return 0
    own test -f "$at" || die "$at is no regular file: not touched"
    own cat -- "$at" >"$work/old" || die "cannot read $at"
    there=1
}
keep() { # what is at $at, in the record
    [ -n "$there" ] || return 0
    if [ "$AS" = user ]; then
        cp -- "$work/old" "$record.new/before"
        stat -c %u:%g -- "$at" >"$record.new/owner"
    else
        cp -a -- "$at" "$record.new/before"
        acl_of "$at" >"$record.new/acl"
    fi
}
store() { # FILE MODE: make its content that of $at, at once; MODE is for a file that was not there
    fresh=new
    [ -z "$there" ] || fresh=
    # shellcheck disable=SC2016  # it is expanded by the shell that it is given to
    own sh -c '
        set -e
        umask 077
        new=$1.lxc-preflight
        rm -f -- "$new"
        if [ -e "$1" ]; then
            cp -a -- "$1" "$new"
            # busybox keeps no ACL
            case $(ls -ld -- "$1") in ??????????+*) getfacl -pn -- "$1" | setfacl --set-file=- -- "$new" ;; esac
            mode=$(stat -c %a -- "$1")
        else
            : >"$new"
            mode=$2
        fi
        chmod u+w "$new" # a file that its owner may not write to
        cat >"$new"
        chmod "$mode" "$new"
        sync -- "$new" 2>/dev/null || sync
        mv -f -- "$new" "$1"
        [ -z "$3" ] || restorecon "$1" 2>/dev/null || :
    ' sh "$at" "$2" "$fresh" <"$1" || die "cannot write $at: nothing of it was changed"
    flush "${at%/*}"
}
parents() { # PATH: make the directories that lead to it
    case ${1%/*} in '') ;; *) own test -d "$ROOT${1%/*}" || directory "${1%/*}" 755 ;; esac
}
directory() { # PATH MODE: make it, and what leads to it
    if own test -d "$ROOT$1"; then
        did "$1: as wanted"
        return
    fi
    parents "$1"
    locate "$1"
    record directory "$1"
    commit
    own mkdir -- "$at" || die "cannot make $at"
    own chmod "00$2" "$at"
    did "$1: made"
}

ACCOUNTS='/etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/subuid /etc/subgid'
lock() { # PATH: as shadow locks its files (lib/commonio.c): a link to a file that holds our pid
    case " $ACCOUNTS " in *" $1 "*) ;; *) return 0 ;; esac
    locked=$ROOT$1.lock
    ticket=$ROOT$1.lxc-preflight-lock
    printf '%s' "$$" >"$ticket"
    tries=0
    until ln -- "$ticket" "$locked" 2>/dev/null; do
        if is_stale "$locked"; then
            rm -f -- "$locked"
            continue
        fi
        tries=$((tries + 1))
        if [ "$tries" -gt 15 ]; then
            rm -f -- "$ticket"
            holder=$(holder_of "$locked")
            locked=
            die "$1 is locked by process ${holder:-that is unknown}: try again when it is done"
        fi
        sleep 1
    done
    rm -f -- "$ticket"
}
holder_of() { tr -d '\0' <"$1" 2>/dev/null || :; }
is_stale() { # LOCK: its holder is gone; shadow takes it then, too
    holder=$(holder_of "$1")
    [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null
}
sweep() { # what a script that was killed left of its locks
    is_root || return 0
    for path in $ACCOUNTS; do
        rm -f -- "$ROOT$path.lxc-preflight-lock"
        if [ -e "$ROOT$path.lock" ] && is_stale "$ROOT$path.lock"; then rm -f -- "$ROOT$path.lock"; fi
    done
}
unlock() {
    [ -z "$locked" ] || rm -f -- "$locked"
    locked=
}

# --- owners, modes, ACLs, capabilities

acl_of() { if has getfacl; then getfacl -pn --omit-header -- "$1" 2>/dev/null || :; fi; }
capability_of() { if has getcap; then getcap -- "$1" 2>/dev/null | sed 's/^.* //' || :; fi; }
metadata() { # what $at has of these, in the directory $1
    stat -c '%a' -- "$at" >"$1/mode"
    stat -c '%u:%g' -- "$at" >"$1/owner"
    acl_of "$at" >"$1/acl"
    capability_of "$at" >"$1/capability"
}
remeta() { # VERB PATH NOW WANTED COMMAND...: unless it is so, by a command that gets $at as its last word
    verb=$1
    path=$2
    if [ "$3" = "$4" ]; then
        did "$path: as wanted"
        return
    fi
    shift 4
    record "$verb" "$path"
    metadata "$record.new"
    commit
    by_owner "$@" || die "cannot change $path"
    workplace
    rm -rf -- "$work/now"
    mkdir "$work/now"
    metadata "$work/now"
    for what in mode owner acl capability; do
        if ! cmp -s "$work/now/$what" "$record/$what"; then
            did "$path: $verb $(tr '\n' ' ' <"$record/$what")-> $(tr '\n' ' ' <"$work/now/$what")"
            return
        fi
    done
    forget
    did "$path: as wanted"
}
by_owner() { # COMMAND...: on $at, its last word. In a home by the rights of whoever owns it, from a directory that
    # nobody can swap any more: what a user puts there in the meantime is nothing that these rights could change
    if [ -z "$inside" ] || [ "$AS" = user ] || [ "$1" = give ]; then
        own "$@" "$at"
        return
    fi
    holder=$(stat -c '%u %g' -- "$at")
    (
        cd -P -- "${at%/*}/"
        [ "$(pwd -P)" = "$where" ] || exit 1
        if [ "${holder% *}" != 0 ] && setpriv=$(capable_setpriv); then
            "$setpriv" --reuid "${holder% *}" --regid "${holder#* }" --clear-groups -- "$@" "./${at##*/}" 9>&-
        else
            [ ! -L "./${at##*/}" ] && "$@" "./${at##*/}" 9>&-
        fi
    )
}
target() { # PATH: $at, which must be there, and is never reached by a symlink of the user's
    locate "$1"
    [ ! -L "$at" ] || [ "$AS" != user ] || die "$1 is a symlink: not touched"
    own test -e "$at" || own test -L "$at" || die "$1 is not there any more: run lxc-preflight fix again"
}
mode() { # PATH MODE
    target "$1"
    follow
    remeta mode "$1" "$(stat -c %a -- "$at")" "$2" chmod "00$2" -- # without 00 chmod leaves setgid of a directory
}
owner() { # PATH UID:GID; of a symlink itself. chown(2) takes setuid and capabilities away
    target "$1"
    remeta owner "$1" "$(stat -c %u:%g -- "$at")" "$2" give "$2"
}
give() { # UID:GID: $at, found from a directory that nobody can swap any more
    (cd -P -- "${at%/*}/" && [ "$(pwd -P)" = "$where" ] && chown -h -- "$1" "./${at##*/}")
}
capability() { # PATH TEXT, or -r
    target "$1"
    follow
    wanted=$2
    [ "$2" != -r ] || wanted=
    remeta capability "$1" "$(capability_of "$at")" "$wanted" setcap "$2"
}
acl() { # PATH SPEC
    has setfacl || die "setfacl is not installed"
    target "$1"
    follow
    remeta acl "$1" unknown "$2" setfacl -m "$2" --
}

# --- whole files away, values of the kernel, commands

remove() { # PATH: a file, kept in the record
    locate "$1"
    if ! own test -L "$at" && { own test -d "$at" || ! own test -e "$at"; }; then
        did "$1: as wanted" # a directory is what has been made in its place
        return
    fi
    record remove "$1"
    if [ "$AS" = user ]; then
        own cat -- "$at" >"$record.new/before" || die "cannot read $at"
        own stat -c '%a' -- "$at" >"$record.new/mode"
    else
        cp -a -- "$at" "$record.new/before"
    fi
    [ -L "$at" ] || acl_of "$at" >"$record.new/acl"
    commit
    own rm -rf -- "$at"
    did "$1: removed, and kept in $record"
}
plain() { # PATH MODE <CONTENT: a regular file in the place of a symlink, a FIFO, a directory
    workplace
    cat >"$work/new"
    locate "$1"
    if [ -f "$at" ] && [ ! -L "$at" ]; then
        did "$1: as wanted"
        return
    fi
    lock "$1"
    record plain "$1"
    if [ -e "$at" ] || [ -L "$at" ]; then cp -a -- "$at" "$record.new/before"; fi
    cp -- "$work/new" "$record.new/after"
    commit
    rm -rf -- "$at"
    there=
    store "$work/new" "$2"
    unlock
    did "$1: a regular file; what was there is kept in $record"
}
setting() { # PATH VALUE: a file of /proc/sys or of a cgroup
    if [ -n "$ROOT" ]; then
        did "$1: only on the running host"
        return
    fi
    before=$(cat -- "$1") || die "cannot read $1"
    if [ "$before" = "$2" ]; then
        did "$1: as wanted"
        return
    fi
    record setting "$1"
    printf '%s' "$before" >"$record.new/before"
    printf '%s' "$2" >"$record.new/after"
    commit
    printf '%s\n' "$2" >"$1" || die "cannot write $2 to $1"
    did "$1: $before -> $2"
}
packages() { # COMMAND NAME...: those that are missing; is_installed and refresh are the host's
    if [ -n "$ROOT" ]; then
        did "only on the running host: $*"
        return
    fi
    command=$1
    shift
    missing=
    for name; do is_installed "$name" || missing="$missing $name"; done
    if [ -z "$missing" ]; then
        did "as wanted: $*"
        return
    fi
    reinstall "$command" "$@"
}
reinstall() { # COMMAND NAME...: all of them, there or not
    if [ -n "$ROOT" ]; then
        did "only on the running host: $*"
        return
    fi
    did "$*"
    record run "$*"
    : >"$record.new/undo"
    commit
    command=$1
    shift
    # shellcheck disable=SC2086  # a command and its options
    set -- $command "$@"
    "$@" 9>&- || {
        refresh 9>&-
        "$@" 9>&-
    } || die "this failed: $*"
}
run() { # COMMAND [unless TEST] [undo COMMAND] [keeping PATH...]: shell, each in one word
    command=$1
    test=false
    undo=
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            unless) test=$2 ;;
            undo) undo=$2 ;;
            keeping) break ;;
        esac
        shift 2
    done
    [ $# -eq 0 ] || shift
    if [ -n "$ROOT" ]; then
        did "only on the running host: $command"
        return
    fi
    if own sh -c "$test" >/dev/null 2>&1 9>&-; then
        did "as wanted: $command"
        return
    fi
    record run "$command"
    printf '%s' "$undo" >"$record.new/undo"
    for path; do
        place=$record.new/keep.$#
        shift
        mkdir "$place"
        printf '%s' "$path" >"$place/path"
        [ ! -e "$path" ] || cp -a -- "$path" "$place/before"
    done
    commit
    did "$command"
    own sh -c "$command" 9>&- || die "this failed: $command"
    for place in "$record"/keep.*; do
        [ -d "$place" ] || continue
        text_of "$place/path"
        [ ! -e "$text" ] || cp -a -- "$text" "$place/after"
    done
}

# --- undo

undo() { # the last run, newest change first; what has been undone is off the record, so that it can be cut short too
    undoing=1
    state_of
    last=$(latest)
    if [ -z "$last" ]; then
        tidy
        say "nothing has been applied here (no record in $state)"
        return 0
    fi
    exclusive
    journal=$state/$last
    left=0
    rm -rf -- "$journal"/[0-9]*.new
    for turn in changes readers; do
        for one in $(records | sort -r); do
            record=$journal/$one
            if [ "$turn" = changes ] && reads_anew; then continue; fi
            text_of "$record/path"
            path=$text
            text_of "$record/as"
            AS=$text
            IFS=: read -r user uid gid home <"$record/user" || :
            text_of "$record/verb"
            undo_"$text"
            AS=
            rm -rf -- "$record"
            flush "$journal"
        done
    done
    [ "$left" = 0 ] || say "$left not undone, as said above"
    rm -rf -- "$journal"
    tidy
    [ "$left" = 0 ]
}
reads_anew() { # a command that is its own undo makes something read files again: when they are as they were
    [ "$(cat "$record/verb")" = run ] && cmp -s "$record/path" "$record/undo"
}
again() { # $at anew, unless somebody put a symlink on the way since
    locate "$path" || {
        stays "$refused"
        return 1
    }
}
stays() { # what was there before is kept for a person to put back
    left=$((left + 1))
    did "$*"
    if [ -e "$record/before" ] || [ -L "$record/before" ]; then
        mkdir -p -- "$state/kept"
        mv -- "$record/before" "$state/kept/$last-$one"
        did "    what was there before is in $state/kept/$last-$one"
    fi
}
undo_write() { undo_content whole; }
undo_append() { undo_content delete; }
undo_replace() { undo_content replace; }
undo_delete() { undo_content append; }
undo_content() { # how to take the edit back where somebody changed the file since
    workplace
    again || return 0
    follow
    lock "$path"
    fetch
    own rm -f -- "$at.lxc-preflight"
    if [ ! -e "$record/before" ] && [ -z "$there" ]; then
        did "$path: as it was"
    elif [ -e "$record/before" ] && [ -n "$there" ] && cmp -s "$work/old" "$record/before"; then
        did "$path: as it was"
    elif cmp -s "$work/old" "$record/after"; then
        if [ -e "$record/before" ]; then
            restore "$record/before"
            did "$path: restored"
        else
            own rm -f -- "$at"
            did "$path: removed"
        fi
    elif [ "$1" = whole ] || [ -z "$there" ]; then
        stays "$path: somebody changed it since; it stays as it is"
    else
        text_of "$record/old"
        before=$text
        text_of "$record/new"
        code=0
        BEHIND="" OP=$1 NUMBER=0 OF=1 OLD=$text NEW=$before edited <"$work/old" >"$work/new" || code=$?
        case $code in
            0)
                store "$work/new" 644
                did "$path: somebody changed it since; only our line was taken back"
                ;;
            3) did "$path: as it was" ;;
            *) stays "$path: somebody changed it since; it stays as it is" ;;
        esac
    fi
    unlock
}
restore() { # FILE: put it back at $at with all that it had
    if [ "$AS" = user ]; then
        store "$1" 644
        if is_root && [ -e "$record/owner" ]; then give "$(cat "$record/owner")"; fi
        return
    fi
    rm -f -- "$at.lxc-preflight"
    cp -a -- "$1" "$at.lxc-preflight"
    if [ -s "$record/acl" ] && has setfacl; then setfacl --set-file="$record/acl" -- "$at.lxc-preflight"; fi
    flush "$at.lxc-preflight"
    mv -f -- "$at.lxc-preflight" "$at"
    flush "${at%/*}"
}
undo_directory() {
    again || return 0
    if own rmdir -- "$at" 2>/dev/null || own test ! -e "$at"; then
        did "$path: removed"
    else
        stays "$path: something is in it by now; it stays"
    fi
}
undo_mode() { undo_metadata; }
undo_owner() { undo_metadata; }
undo_acl() { undo_metadata; }
undo_capability() { undo_metadata; }
undo_metadata() {
    again || return 0
    if [ -L "$at" ]; then
        [ "$AS" = user ] || chown -h "$(cat "$record/owner")" -- "$at"
        return
    fi
    if [ ! -e "$at" ]; then
        stays "$path: it is gone"
        return
    fi
    [ "$AS" = user ] || give "$(cat "$record/owner")"
    by_owner chmod "00$(cat "$record/mode")" --
    if [ -s "$record/acl" ] && has setfacl; then by_owner setfacl --set-file=- -- <"$record/acl"; fi
    if [ -s "$record/capability" ]; then
        setcap "$(cat "$record/capability")" "$at"
    elif [ -n "$(capability_of "$at")" ]; then
        setcap -r "$at"
    fi
    did "$path: as it was"
}
undo_remove() {
    again || return 0
    there=
    own rm -f -- "$at.lxc-preflight"
    if is_alike "$at" "$record/before"; then
        did "$path: as it was"
    elif own test -e "$at"; then
        stays "$path: there is a new one; it stays"
    elif [ "$AS" = user ]; then
        store "$record/before" "$(cat "$record/mode")"
        if [ -s "$record/acl" ] && has setfacl; then own setfacl --set-file=- -- "$at" <"$record/acl"; fi
        did "$path: restored"
    else
        restore "$record/before"
        did "$path: restored"
    fi
}
is_alike() { # FILE OTHER: files or symlinks that are the same
    if [ -L "$1" ]; then
        [ "$(readlink -- "$1")" = "$(readlink -- "$2")" ]
    else
        [ -f "$1" ] && cmp -s "$1" "$2"
    fi
}
undo_plain() {
    again || return 0
    lock "$path"
    rm -f -- "$at.lxc-preflight"
    if [ -L "$at" ] || { [ -e "$at" ] && [ ! -f "$at" ]; }; then
        did "$path: as it was"
    elif [ ! -e "$at" ] || cmp -s "$at" "$record/after"; then
        rm -f -- "$at"
        if [ -e "$record/before" ] || [ -L "$record/before" ]; then cp -a -- "$record/before" "$at"; fi
        did "$path: restored"
    else
        stays "$path: somebody changed it since; it stays as it is"
    fi
    unlock
}
undo_setting() {
    if [ "$(cat -- "$path")" = "$(cat "$record/after")" ]; then
        cat "$record/before" >"$path"
        did "$path: $(cat "$record/before")"
    else
        stays "$path: somebody changed it since; it stays as it is"
    fi
}
undo_run() {
    for place in "$record"/keep.*; do
        [ -d "$place" ] || continue
        text_of "$place/path"
        if [ -e "$text" ] && [ -e "$place/after" ]; then
            ! cmp -s "$text" "$place/after" || : >"$place/ours"
        elif [ ! -e "$text" ] && [ ! -e "$place/after" ]; then
            : >"$place/ours"
        fi
    done
    text_of "$record/undo"
    if [ -z "$text" ]; then
        [ -e "$record/keep.1" ] || stays "it cannot be taken back: $path"
    elif own sh -c "$text" 9>&-; then
        did "$text"
    else
        stays "this failed: $text"
        return
    fi
    for place in "$record"/keep.*; do
        [ -e "$place/ours" ] || continue
        text_of "$place/path"
        at=$text
        if [ -e "$place/before" ]; then
            rm -f -- "$at.lxc-preflight"
            cp -a -- "$place/before" "$at.lxc-preflight"
            mv -f -- "$at.lxc-preflight" "$at"
        else
            rm -f -- "$at"
        fi
    done
}

main() {
    case ${1:-} in
        '')
            begin
            fix
            finish
            ;;
        --undo)
            sweep
            trap leave EXIT
            undo
            ;;
        --done) # lxc-preflight says so after the last of several scripts
            state_of
            journal=$(latest)
            [ -z "$journal" ] || : >"$state/$journal/done"
            ;;
        *) die "usage: sh $0 [--undo]" ;;
    esac
}
