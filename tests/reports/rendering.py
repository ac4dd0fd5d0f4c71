"""Rendering in tests, and how often hypothesis tries."""

from __future__ import annotations

import io

from hypothesis import HealthCheck, settings

from audit.report import Report
from reports import renderer

LOOSE = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    max_examples=25,
)


def rendered(report: Report, format: str, *, verbose: bool = True) -> str:
    """A report in one of our formats."""
    out = io.StringIO()
    renderer(format, plugins=False)(report, out, verbose=verbose)
    return out.getvalue()
