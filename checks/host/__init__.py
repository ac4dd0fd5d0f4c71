"""About the account and the host the audit is about."""
