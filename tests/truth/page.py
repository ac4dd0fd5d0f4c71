"""The table as text, JSON and HTML."""

from __future__ import annotations

import json
from collections import Counter
from typing import NamedTuple

from tests.truth import table, world

SCHEMA = "lxc-preflight/truth/1"


class Truth(NamedTuple):
    """A whole run."""

    rows: list[table.Row]
    summaries: list[table.Summary]
    totals: list[table.Total]
    surprises: dict[str, str]
    skipped: list[str]  # what was not tried, and why
    seconds: float

    @classmethod
    def of(
        cls, rows: list[table.Row], surprises: dict[str, str], skipped: list[str], seconds: float
    ) -> Truth:
        return cls(rows, table.summaries(rows), table.totals(rows), surprises, skipped, seconds)

    @property
    def headline(self) -> str:
        """The predictions of all stages and ways in one line."""
        count = Counter(
            row.verdict for row in self.rows if row.way in table.WAYS and row.stage in table.STAGES
        )
        cases = len({row.case for row in self.rows})
        words = ", ".join(f"{count[one]} {one}" for one in ("right", "wrong", "unknown"))
        crashed = sum(row.verdict == "crashed" for row in self.rows)
        more = f", {crashed} crashed" if crashed else ""
        return f"{cases} cases in {self.seconds / 60:.0f} minutes, predictions: {words}{more}"

    def text(self) -> str:
        surprises = [f"surprise {name}: {words}" for name, words in self.surprises.items()]
        parts = [table.HEADING, *map(str, self.summaries), "", table.text_of(self.totals), ""]
        return "\n".join(
            [*parts, *surprises, *(f"not tried: {one}" for one in self.skipped), self.headline]
        )

    def json(self) -> str:
        document = {
            "schema": SCHEMA,
            "headline": self.headline,
            "skipped": self.skipped,
            "surprises": self.surprises,
            "totals": [one._asdict() for one in self.totals],
            "rows": [one._asdict() for one in self.rows],
        }
        return json.dumps(document, indent=1) + "\n"

    def html(self) -> str:
        """One file that needs nothing else."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            loader=FileSystemLoader(world.HERE), autoescape=True, undefined=StrictUndefined
        )
        wrong = [
            row for row in self.rows if row.verdict != "right" and row.way in ("", *table.WAYS)
        ]
        return environment.get_template("page.html").render(truth=self, wrong=wrong)
