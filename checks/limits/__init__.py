"""Kernel limits that containers of one user share."""
