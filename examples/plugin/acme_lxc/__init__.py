"""ACME's own questions to a container host."""
