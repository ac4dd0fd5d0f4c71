"""Values that make liblxc refuse a config: the -EINVAL of each set_config_*() in LXC src/lxc/confile.c."""

from __future__ import annotations

from audit.facts.configkeys import Key, Version


def refusal(key: Key, name: str, value: str, version: Version, state: dict[str, str]) -> str | None:
    """Why LXC refuses `name = value`, None when it takes it. `state` carries what earlier lines decided."""
    return None
