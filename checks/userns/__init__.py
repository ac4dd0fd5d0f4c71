"""User namespaces: switches, limits, and what must be mountable inside."""
