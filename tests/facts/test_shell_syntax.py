"""The shell's syntax, on what nobody writes."""

from __future__ import annotations

import pytest

from audit.facts.shell_syntax import Malformed, tokens


def test_quotes_and_expansions_that_nest_without_end_are_refused_and_not_followed() -> None:
    for text in ('${u"' * 5000, 'echo "$(' * 5000):
        with pytest.raises(Malformed):
            tokens(text)
