"""The session that LXC runs in: environment, credentials, limits, and whether there can be one."""
