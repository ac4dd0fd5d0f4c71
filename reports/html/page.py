"""Putting content into a template, with the style, the script and the policy that allows them."""

from __future__ import annotations

import pkgutil
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, TextIO

from audit.errors import UsageError
from audit.untrusted import visible

try:
    from jinja2 import Environment, FunctionLoader
    from markupsafe import Markup
except ModuleNotFoundError as missing:
    raise UsageError(
        f"the Python library {missing.name} is not installed: install it, or use --format json"
    ) from None


def write(template: str, content: Mapping[str, Any], out: TextIO) -> None:
    """Render a template of this folder with the page's style and script.

    In ASCII: an output in another encoding would change the script, and then its hash forbids it.
    """
    style, script = _file("page.css"), _file("page.js")
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(style)}; script-src {_hash(script)}"
    )
    frame = {"page_style": Markup(style), "page_script": Markup(script), "page_policy": policy}
    page = _environment().get_template(template).render(**frame, **content)
    out.write(page.encode("ascii", "xmlcharrefreplace").decode("ascii"))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_file),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["lines"] = lambda words: str(words).split("\n")
    return environment


def _shown(value: Any) -> Any:
    """What a template prints: control characters and their like become visible escapes."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _file(name: str) -> str:
    """A file beside this one; pkgutil finds it in a zip file too."""
    data = pkgutil.get_data(__package__ or "reports.html", name)
    assert data is not None
    return data.decode("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
