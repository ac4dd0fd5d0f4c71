"""The real operations, tried as the target user (--probe)."""
