"""What the pictures of a report are drawn from; gathering.py puts it together."""
