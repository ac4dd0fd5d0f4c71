# The bridge br0 with addresses for containers, as an administrator has it made at each boot.
# shellcheck shell=sh
set -eu
ip link set lo up
if ! [ -e /sys/class/net/br0 ]; then
    ip link add name br0 type bridge
    ip addr add 192.168.10.1/24 dev br0
    ip link set br0 up
    dnsmasq --interface=br0 --bind-interfaces --except-interface=lo --dhcp-range=192.168.10.110,192.168.10.190 \
        --dhcp-authoritative --pid-file= --leasefile-ro
fi
