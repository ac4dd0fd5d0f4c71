"""What cures a finding: one table of what differs between distributions, one mechanism per file."""
