"""What `holdfast.bench` returns: the record, with ways to look at it, to keep it and to use it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdfast.audit.journal import Journal
from holdfast.bench.profile import merged, profile_of
from holdfast.report.writing import write_all


@dataclass(frozen=True)
class BenchReport:
    """The outcome of a bench. `print(report)` shows the ranking, a notebook the page."""

    record: dict[str, Any]
    _journal: Journal | None = field(default=None, repr=False)
    _out: Path | None = field(default=None, repr=False)

    @property
    def ranking(self) -> list[dict[str, Any]]:
        """A dict for every candidate, best first within each choice."""
        rows: list[dict[str, Any]] = self.record["ranking"]
        return rows

    @property
    def choices(self) -> dict[str, dict[str, Any]]:
        """The method chosen for each purpose (`labels`; `numbers`, `categories`, `rows`, `classes` for shift)."""
        chosen: dict[str, dict[str, Any]] = self.record["choices"]
        return chosen

    @property
    def statement(self) -> str:
        """What can be said, and which methods cannot be told apart."""
        return " ".join(self.record["statement"])

    def profile(self) -> dict[str, Any]:
        """The choices and what they were made on: what `holdfast.audit(profile=...)` reads."""
        return profile_of(self.record)

    def save(self, folder: str | Path | None = None) -> Path:
        """Write bench-FAMILY.html and .json and add the choices to profile.json; returns the path of the page.

        Without a folder, into the one that the bench was given, else `holdfast-bench`.

        Raises `InputError` where the folder's profile belongs to other data: what was chosen there is not lost.
        """
        from holdfast.report.bench import render, to_json

        folder, name = Path(folder or self._out or "holdfast-bench"), f"bench-{self.record['family']}"
        profile = merged(folder / "profile.json", self.profile())
        contents = {f"{name}.html": render(self.record), f"{name}.json": to_json(self.record, indent=1) + "\n",
                    "profile.json": to_json(profile, indent=1) + "\n"}  # fmt: skip
        write_all({folder / file: content for file, content in contents.items()}, "the bench")
        if self._journal is not None:
            self._journal.remove()
        return folder / f"{name}.html"

    def _repr_html_(self) -> str:
        from html import escape

        from holdfast.report.bench import render

        page = escape(render(self.record), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:80vh;border:0" title="Holdfast bench"></iframe>'

    def __str__(self) -> str:
        from holdfast.report.bench import span

        lines = [f"{row['rank']:>3}  {span(row['found'])}  {row['name']}" for row in self.ranking]
        return "\n".join([self.statement, *lines])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: the content of bench-FAMILY.json."""
        copied: dict[str, Any] = json.loads(json.dumps(self.record))
        return copied
