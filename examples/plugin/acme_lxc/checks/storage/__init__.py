"""Where containers are kept."""
