"""The way from a bridge to the world outside: address translation, and filters that let it.

Least rules: containers reach DHCP and DNS of the host and whatever is beyond it; nothing of the
host is opened to them otherwise, and nothing to anybody else. A filter that somebody wrote by hand
is for that person to change.
"""

from __future__ import annotations

from audit.facts.firewall import Chain
from audit.host import Host
from audit.model import Fix
from remediations.actions import Action, Manual, Run, Write
from remediations.distro import needed
from remediations.quoting import word
from remediations.services import Own, own
from remediations.usernet import NAME

DIRECTORY = "/etc/lxc-preflight"
_NAT = """table ip {table}
delete table ip {table}
table ip {table} {{
    chain postrouting {{
        type nat hook postrouting priority 100;
        ip saddr {where} ip daddr != {where} masquerade
    }}
}}
"""
ZONE, POLICY = "lxc", "lxc-out"
BACK = "-m conntrack --ctstate RELATED,ESTABLISHED"


def nat(host: Host, where: str) -> Fix:
    """Translate what comes from a network, ADDRESS/PREFIX, and is for somewhere else."""
    key = where.replace("/", "-")
    table = "lxc_preflight_" + key.replace(".", "_").replace("-", "_")
    path = f"{DIRECTORY}/nat-{key}.nft"
    service = Own(
        f"lxc-nat-{key}",
        f"Address translation for {where}",
        (f"nft -f {path}",),
        (f"nft delete table ip {table}",),
        ("nftables",),
        f"nft list table ip {table}",
    )
    actions: tuple[Action, ...] = (
        *needed(host, "nftables"),
        Write(path, _NAT.format(table=table, where=where)),
        *own(host, service),
    )
    return Fix("nat", f"translate what comes from {where}", actions)


def let_through(host: Host, chain: Chain, everything: tuple[Chain, ...], bridge: str) -> Fix:
    """Let a bridge through a filter, by whoever made that filter."""
    if not NAME.fullmatch(bridge):
        return _by_hand(chain, bridge)
    rules = " ".join(chain.rules)
    chains = {one.name for one in everything if one.table == chain.table}
    if "firewalld" in chain.table:
        return _by_firewalld(bridge)
    if "ufw-" in rules:
        return _by_ufw(bridge, chain.hook)
    if chain.hook == "forward" and "DOCKER-USER" in chains:
        return _beside_docker(host, bridge)
    return _by_hand(chain, bridge)


def _by_firewalld(bridge: str) -> Fix:
    """A zone for containers: they get DHCP and DNS, and a policy that lets them out."""
    ask = "firewall-cmd --permanent"
    name = word(bridge)
    reload = "firewall-cmd --reload"
    zone, policy = f"{ask} --zone={ZONE}", f"{ask} --policy={POLICY}"
    actions = (
        Run(
            f"{ask} --new-zone={ZONE} && {zone} --add-service=dhcp --add-service=dns",
            f"{zone} --query-service=dns",
            f"{ask} --delete-zone={ZONE}",
            (f"/etc/firewalld/zones/{ZONE}.xml.old",),
        ),
        Run(
            f"{ask} --new-policy={POLICY} && {policy} --set-target=ACCEPT && "
            f"{policy} --add-ingress-zone={ZONE} && {policy} --add-egress-zone=ANY",
            f"{policy} --query-egress-zone=ANY",
            f"{ask} --delete-policy={POLICY}",
            (f"/etc/firewalld/policies/{POLICY}.xml.old",),
        ),
        Run(
            f"{zone} --add-interface={name}",
            f"{zone} --query-interface={name}",
            f"{zone} --remove-interface={name}",
        ),
        Run(reload, f"firewall-cmd --zone={ZONE} --query-interface={name}", reload),
    )
    return Fix("firewall", f"let {bridge} through firewalld, in a zone of its own", actions)


def _by_ufw(bridge: str, hook: str) -> Fix:
    name = word(bridge)
    if hook == "forward":
        rule = _ufw("route allow", f"in on {name}")
        return Fix("firewall", f"let ufw forward what comes from {bridge}", (rule,))
    actions = tuple(
        _ufw("allow", f"in on {name} to any port {port}") for port in ("53", "67 proto udp")
    )
    return Fix("firewall", f"let DHCP and DNS in from {bridge}", actions)


def _ufw(verb: str, rule: str) -> Run:
    """ufw keeps its rules for the next boot by itself, and shows them as they were typed."""
    undo = verb.replace("allow", "delete allow")
    return Run(
        f"ufw {verb} {rule}",
        f"ufw show added | grep -qxF {word(f'ufw {verb} {rule}')}",
        f"ufw {undo} {rule}",
    )


def _beside_docker(host: Host, bridge: str) -> Fix:
    """Docker drops what is not its own, and has a chain for what others want to let through."""
    rules = [f"DOCKER-USER -i {bridge} -j ACCEPT", f"DOCKER-USER -o {bridge} {BACK} -j ACCEPT"]
    service = Own(
        f"lxc-forward-{bridge}",
        f"Forwarding from {bridge} beside Docker",
        tuple(f"iptables -I {rule}" for rule in rules),
        tuple(f"iptables -D {rule}" for rule in rules),
        ("docker",),
        f"iptables -C {rules[0]}",
    )
    return Fix("firewall", f"forward what comes from {bridge}", own(host, service))


def _by_hand(chain: Chain, bridge: str) -> Fix:
    """nft's own words for the chain; to be put where its rules come from."""
    where = f"add rule {chain.table} {chain.name}"
    name = f'"{bridge}"'
    if chain.hook == "forward":
        rules = [f"iifname {name} accept", f"oifname {name} ct state established,related accept"]
    else:
        rules = [
            f"iifname {name} udp dport {{ 53, 67 }} accept",
            f"iifname {name} tcp dport 53 accept",
        ]
    lines = tuple(f"nft {word(f'{where} {rule}')}" for rule in rules)
    title = f"let {bridge} through the {chain.hook} filter"
    return Fix(
        "firewall",
        title,
        (Manual(("# in the file that your firewall is made of:", *lines), "root"),),
    )
