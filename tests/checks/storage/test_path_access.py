"""Container root on its way to lxcpath: modes, ACLs, the group trap, umask, own ids in the map."""

from __future__ import annotations

import pytest

from audit.host import Host
from audit.model import Outcome
from audit.testing import judged
from checks.storage.default_acl import default_acl
from checks.storage.path_access import path_access
from checks.storage.template_access import template_access
from tests.checks.storage.trees import (
    BASE,
    HOME,
    LXC,
    MINE,
    USER,
    Answers,
    absent,
    acl,
    directory,
    host,
)

USER_OBJ, NAMED, GROUP_OBJ, NAMED_GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32


def entries(user: int = 1, mask: int = 1) -> str:
    """The ACL of a home with an entry for container root."""
    return acl(
        (USER_OBJ, 7, -1), (NAMED, user, BASE), (GROUP_OBJ, 0, -1), (MASK, mask, -1), (OTHER, 0, -1)
    )


def only(made: Host) -> tuple[Outcome, str]:
    finding = judged(path_access, made).findings[0]
    return finding.outcome, finding.message


@pytest.mark.parametrize(
    "change",
    [
        directory(HOME, 0o711),
        directory(HOME, 0o755),
        directory(HOME, 0o710, access=entries()),
        directory(HOME, 0o710, gid=BASE),
        {**directory("/home", 0o711, 0, 0)},
        directory(
            HOME, 0o710, access=acl((1, 7, -1), (4, 0, -1), (8, 1, BASE), (16, 1, -1), (32, 0, -1))
        ),
    ],
    ids=["0711", "0755", "named user", "its own group", "/home 0711", "named group"],
)
def test_container_root_passes(change: Answers) -> None:
    assert only(host(change))[0] is Outcome.PASS


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (directory(HOME, 0o700), f"cannot pass {HOME}: mode 0700"),
        (directory(HOME, 0o750), "mode 0750"),
        (directory(HOME, 0o701, gid=BASE), "gives its group"),
        (directory(HOME, 0o750, access=entries(mask=4)), "cut by the mask r--"),
        (directory(HOME, 0o700, access=entries(mask=0)), "cut by the mask ---"),
        (directory(HOME, 0o775, access=entries(user=0, mask=7)), f"user:{BASE}:--- forbids it"),
        (directory(f"{HOME}/.local", 0o700), f"cannot pass {HOME}/.local:"),
        (directory(LXC, 0o770), f"cannot pass {LXC}:"),
        ({**directory(HOME, 0o700), **directory(LXC, 0o700)}, f"{HOME} and {LXC}"),
    ],
)
def test_container_root_is_stopped_and_the_reason_named(change: Answers, says: str) -> None:
    outcome, message = only(host(change))
    assert outcome is Outcome.FAIL
    assert says in message


def test_an_empty_mask_makes_the_kernel_skip_the_acl_so_that_o_x_decides() -> None:
    assert only(host(directory(HOME, 0o701, access=entries(mask=0))))[0] is Outcome.PASS


def test_a_mapped_owner_gives_container_root_its_capabilities_back() -> None:
    config = f"{HOME}/.config/lxc/default.conf"
    who = f"{USER.uid}:{USER.gid}:{USER.gid}"
    text = "".join(
        f"lxc.idmap = {kind} 0 {BASE} 1000\nlxc.idmap = {kind} 1000 {ident} 1\n"
        for kind, ident in (("u", USER.uid), ("g", USER.gid))
    )
    change: Answers = {("user_read", config, who): text, **directory(HOME, 0o700)}
    assert only(host(change))[0] is Outcome.PASS


@pytest.mark.parametrize(
    ("umask", "passes"), [(0o022, True), (0o027, False), (0o077, False), (0o026, True)]
)
def test_directories_that_lxc_create_will_make_get_the_umask(umask: int, passes: bool) -> None:
    session: Answers = {
        **MINE,
        ("self",): {"uid": USER.uid, "gid": USER.gid, "groups": [], "umask": umask},
    }
    outcome, message = only(host(session, absent(f"{HOME}/.local")))
    assert (outcome is Outcome.PASS) is passes
    if not passes:
        assert f"lxc-create will make it with the umask {umask:03o}" in message


def test_a_default_acl_makes_the_umask_irrelevant() -> None:
    inherited = acl((1, 7, -1), (2, 1, BASE), (4, 0, -1), (16, 1, -1), (32, 0, -1))
    session: Answers = {
        **MINE,
        ("self",): {"uid": USER.uid, "gid": USER.gid, "groups": [], "umask": 0o077},
    }
    change: Answers = {
        **absent(f"{HOME}/.local"),
        ("xattr", HOME, "system.posix_acl_default"): inherited,
    }
    assert only(host(session, change))[0] is Outcome.PASS


def test_a_template_passes_a_home_that_is_the_users_own_but_not_one_of_a_foreign_group() -> None:
    private = judged(template_access, host(directory(HOME, 0o700))).findings[0]
    foreign = judged(template_access, host(directory(HOME, 0o700, gid=100))).findings[0]
    assert private.outcome is Outcome.PASS
    assert foreign.outcome is Outcome.FAIL
    assert HOME in foreign.message


@pytest.mark.parametrize(
    ("entries", "outcome"),
    [
        (None, Outcome.PASS),
        (acl((1, 7, -1), (2, 1, BASE), (4, 7, -1), (16, 7, -1), (32, 0, -1)), Outcome.PASS),
        (acl((1, 7, -1), (2, 1, BASE), (4, 5, -1), (16, 5, -1), (32, 5, -1)), Outcome.FAIL),
        (acl((1, 7, -1), (4, 7, -1), (8, 7, 4), (16, 1, -1), (32, 0, -1)), Outcome.FAIL),
        (acl((1, 7, -1), (2, 7, USER.uid), (4, 5, -1), (16, 7, -1), (32, 0, -1)), Outcome.PASS),
    ],
    ids=["none", "group rwx", "group r-x", "masked", "an entry for the user"],
)
def test_a_default_acl_may_lock_the_user_out_of_what_it_creates(
    entries: str | None, outcome: Outcome
) -> None:
    made = host({("xattr", LXC, "system.posix_acl_default"): entries})
    assert judged(default_acl, made).findings[0].outcome is outcome
