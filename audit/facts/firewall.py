"""What stands between a bridge and the outside: forwarding, address translation, filters.

nftables has no file to read, so `nft list ruleset` is run, once, and only for a config with a
bridge. Rules of iptables-nft show in it; those of the old ip_tables modules do not, and are
looked for only when /proc/net/ip_tables_names says that there are any.
"""

from __future__ import annotations

import re

from audit.facts.links import Address, ipv4_number
from audit.facts.modules import module_available
from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

_CHAIN = re.compile(r"\s*chain (\S+) \{")
_BASE = re.compile(r"\s*type (\S+) hook (\S+) priority [^;]*;(?: policy (\w+);)?")
_SOURCE = re.compile(r"ip saddr (!= )?(?:@\S+|([0-9./]+))")
_OLD_SOURCE = re.compile(r"(! )?-s ([0-9./]+)")


class Chain(NamedTuple):
    """A chain of nftables. `hook` and `type` are empty for one that is only jumped to."""

    table: str
    name: str
    type: str
    hook: str
    policy: str
    rules: tuple[str, ...]


def parse_ruleset(text: str) -> tuple[Chain, ...]:
    """The chains in the output of `nft list ruleset`."""
    found: list[Chain] = []
    table = ""
    name, base, rules = "", ("", "", ""), list[str]()
    for line in text.split("\n"):
        if line.startswith("table "):
            table = line.removeprefix("table ").removesuffix(" {")
        elif chain := _CHAIN.match(line):
            name, base, rules = chain[1], ("", "", ""), []
        elif name and line.strip() == "}":
            found.append(Chain(table, name, *base, tuple(rules)))
            name = ""
        elif name and (head := _BASE.match(line)):
            base = (head[1], head[2], head[3] or "accept")
        elif name and line.strip():
            rules.append(line.strip())
    return tuple(found)


def chains(host: Host) -> tuple[Chain, ...]:
    """Every chain of nftables. Raises Unknown where `nft` is missing or may not look."""
    state = host.get(module_available, "nf_tables", "NF_TABLES", "nf_tables_newtable").state
    if state not in ("loaded", "builtin"):
        return ()  # there are no rules, and asking for them would load the module
    ran = host.run("nft", "list", "ruleset")
    if ran.code != 0:
        raise Unknown(f"nft cannot list the rules: {ran.err.strip()[:200] or ran.code}")
    return parse_ruleset(ran.out)


def old_nat_rules(host: Host) -> tuple[str, ...]:
    """The nat rules of the old ip_tables modules, as iptables-save writes them."""
    names = host.read("/proc/net/ip_tables_names") or ""
    if "nat" not in names.split():
        return ()
    ran = host.run("iptables-legacy-save", "-t", "nat")
    if ran.code != 0:
        raise Unknown(f"iptables-legacy-save: {ran.err.strip()[:200] or ran.code}")
    return tuple(line for line in ran.out.split("\n") if line.startswith("-A"))


def translates(host: Host, network: Address) -> str | None:
    """The rule that translates what comes from a network, None when there is none."""
    for rule in host.get(old_nat_rules):
        if re.search(r"-j (MASQUERADE|SNAT)\b", rule) and _covers(_OLD_SOURCE, rule, network):
            return rule
    for chain in host.get(chains):
        if chain.type == "nat" or not chain.hook:
            for rule in chain.rules:
                if re.search(r"\b(masquerade|snat)\b", rule) and _covers(_SOURCE, rule, network):
                    return rule
    return None


def _covers(pattern: re.Pattern[str], rule: str, network: Address) -> bool:
    source = pattern.search(rule)
    if source is None or source[1] or not source[2]:
        return True
    text, slash, length = source[2].partition("/")
    base = ipv4_number(text)
    if base is None:
        return True
    bits = int(length) if slash and length.isdecimal() else 32
    mask = (0xFFFFFFFF << (32 - min(bits, 32))) & 0xFFFFFFFF
    return base & mask == network.network & mask


def blocked_by(host: Host, bridge: str, hook: str) -> Chain | None:
    """A filter that drops what no rule accepts, and has no rule that names a bridge; None without.

    What its other rules let through is not worked out: a finding from it is a likely one.
    """
    everything = host.get(chains)
    for chain in everything:
        if chain.type != "filter" or chain.hook != hook:
            continue
        named = any(
            re.search(rf'"{re.escape(bridge)}"', rule)
            for other in everything
            if other.table == chain.table
            for rule in other.rules
        )
        ends = chain.rules[-1] if chain.rules else ""
        if (chain.policy == "drop" or ends.startswith(("reject", "drop"))) and not named:
            return chain
    return None
