"""systemd and the user's own manager: scopes, the session bus, lingering."""
