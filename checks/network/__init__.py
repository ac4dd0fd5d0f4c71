"""Networks of a container: types, bridges, lxc-user-nic and lxc-usernet, and the way outside."""
