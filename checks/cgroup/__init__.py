"""Cgroups: what the container may be given, and what it will really get."""
