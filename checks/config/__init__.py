"""The container config: what liblxc refuses, and what stops a start."""
