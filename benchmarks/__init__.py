"""How fast the audit is, in ratios: `make bench`."""
