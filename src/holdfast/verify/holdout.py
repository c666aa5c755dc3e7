"""The guard of the untouched rows: every look is counted, kept beside the data's fingerprint, and paid for.

Rows that choose are asked through `estimation.ReusableHoldout`: an answer comes from open rows, and from guarded ones
only where the two disagree; such answers are counted against a budget. The look that judges (`judge`) is direct, and
each further one makes the interval wider (`compare.error_of_look`). The counts stand in `holdout.json` in the output
folder: whoever takes a new folder, or deletes the file, starts to count anew, and the guard cannot know.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.core import Estimate
from holdfast.estimation import ReusableHoldout
from holdfast.report.writing import write_all
from holdfast.verify.case import read_json
from holdfast.verify.parts import Parts

BUDGET = 30  # answers that may come from the guarded rows of one data set
FILE = "holdout.json"


@dataclass
class Guard:
    """Counts of one data set. `folder` None counts in memory only."""

    fingerprint: str
    folder: Path | None = None
    questions: int = 0
    spent: int = 0
    looks: int = 0

    @classmethod
    def open(cls, fingerprint: str, folder: Path | None) -> Guard:
        """Go on counting where the folder's file says; raises `InputError` where it cannot be read."""
        known = _counts(folder).get(fingerprint, {})
        counts = {name: int(known.get(name, 0)) for name in ("questions", "spent", "looks")}
        return cls(fingerprint, folder, **counts)

    def ask(self, gains: np.ndarray, parts: Parts) -> Estimate:
        """The mean of `gains` (n,) over rows like those that choose; `pvalue` is 1 where only open rows answered."""
        opened, guarded = gains[parts.open], gains[parts.guarded]
        self.questions += 1
        if self.spent >= BUDGET:  # the guarded rows have told what they may tell
            method = ReusableHoldout(threshold=1e9, question=self.questions)
        else:
            method = ReusableHoldout(question=self.questions, seed=int(self.fingerprint[:8], 16))
        answer: Estimate = method.measure(ref_x=opened, cur_x=guarded)
        self.spent += answer.pvalue is not None and answer.pvalue < 1
        return answer

    def look(self) -> int:
        """Count a look at the confirming rows before it is taken; its number, from 1."""
        self.looks += 1
        self.keep()
        return self.looks

    def keep(self) -> None:
        """Write the counts, where there is a folder: a run that is killed afterwards has looked all the same."""
        if self.folder is None:
            return
        counts = {**_counts(self.folder), self.fingerprint: self._counts()}
        write_all({self.folder / FILE: json.dumps(counts, indent=1) + "\n"}, "the count of looks")

    def to_dict(self) -> dict[str, Any]:
        """The counts, for the record."""
        return {**asdict(self), "folder": None, "budget": BUDGET} | {"folder": str(self.folder or "")}

    def _counts(self) -> dict[str, int]:
        return {"questions": self.questions, "spent": self.spent, "looks": self.looks}


def _counts(folder: Path | None) -> dict[str, Any]:
    if folder is None or not (folder / FILE).exists():
        return {}
    counts = read_json(folder / FILE, "the count of looks that a repair wrote")
    return counts if isinstance(counts, dict) else {}
