"""What `holdfast.audit` returns: the record, with ways to look at it and to keep it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.audit.records import AuditRecord, Finding

if TYPE_CHECKING:
    from holdfast.report.summary import Summary


@dataclass(frozen=True)
class Report:
    """The outcome of an audit. `report` in a notebook shows the page; `print(report)` a short summary."""

    record: AuditRecord

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, ranked: what pays first, then what has no price, then all-clears and the rest."""
        return self.record.findings

    @property
    def verdict(self) -> str:
        """The audit in one sentence."""
        return self.record.verdict

    def __getitem__(self, code: str) -> Finding:
        """The finding of a check, by code."""
        for finding in self.findings:
            if finding.code == code:
                return finding
        raise KeyError(f"no finding {code!r}; there are: {', '.join(finding.code for finding in self.findings)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: the content of report.json."""
        return self.record.to_dict()

    def summary(self, outcomes: Sequence[str] = ("found", "unsure", "error")) -> Summary:
        """A small table of the findings with these outcomes, best price first: text when printed, a table in HTML."""
        from holdfast.report.summary import summarise

        return summarise(self.to_dict(), outcomes)

    def save(self, folder: str | Path = "holdfast-report") -> Path:
        """Write report.html and report.json into the folder (made if need be); returns the path of the page."""
        from holdfast.report import save

        save(self.to_dict(), folder)
        return Path(folder) / "report.html"

    def _repr_html_(self) -> str:
        from html import escape

        from holdfast.report import render

        page = escape(render(self.to_dict()), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:80vh;border:0" title="Holdfast report"></iframe>'

    def __str__(self) -> str:
        lines = [self.verdict]
        for finding in self.findings:
            if finding.outcome in ("found", "unsure"):
                price = finding.price.gain if finding.price else None
                gain = f"  {price.value:+.4f} [{price.low:+.4f}, {price.high:+.4f}]" if price else ""
                lines.append(f"{finding.code}  {finding.outcome:6}  {finding.summary}{gain}")
        return "\n".join(lines)
