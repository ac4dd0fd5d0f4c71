"""Renderers of a report. They see a report and never the host."""
