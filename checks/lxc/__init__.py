"""LXC itself: its programs, its files, its version."""
