"""Which ids the container gets: newuidmap and newgidmap, /etc/subuid and /etc/subgid, lxc.idmap."""
