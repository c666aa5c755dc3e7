"""Rewording drop: a benchmark asked in other words."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure


class RewordingDrop(Measure):
    r"""What a model's score loses when every item is asked in other words of the same meaning.

    .. math:: \frac{1}{n}\sum_i \Big(c_i - \frac{1}{m}\sum_j c_{ij}\Big)

    `of="flips"` is the share of pairs of wordings of an item that are answered with different success instead. Items
    are paired, so that hard and easy ones cancel; the p-value of the drop is that of none. Use it when a score may rest
    on the wording of a benchmark (or on having seen it). It fails where rewordings change the meaning or the
    difficulty: have some judged by people.

    >>> original = [1, 1, 1, 0]
    >>> reworded = [[1, 1, 0, 0], [1, 0, 0, 0]]  # drops 0, 1/2, 1, 0
    >>> RewordingDrop(of="drop").measure(original, reworded).value
    0.375
    >>> round(RewordingDrop(of="flips").measure(original, reworded).value, 3)  # of 3 pairs: 0, 2, 2, 0
    0.333
    """

    source = "lunardi2025robustness"
    claims = ("reworded",)
    of: Literal["drop", "flips"] = "drop"

    def measure(self, correct: np.ndarray, correct_runs: np.ndarray) -> Estimate:
        """The mean over items of what `of` asks for, with its 90 % interval; `correct_runs` has a row per rewording."""
        from scipy.special import stdtr, stdtrit

        n, wordings = len(correct), len(correct_runs) + 1
        if n < 2:
            raise ValueError("correct holds one item; an interval needs at least two.")
        hits = correct_runs.sum(axis=0)
        parts = correct - hits / len(correct_runs)
        if self.of == "flips":
            together = hits + correct
            parts = together * (wordings - together) / (wordings * (wordings - 1) / 2)
        value, error = float(parts.mean()), float(parts.std(ddof=1)) / n**0.5
        error = max(error, 1 / (n * 2**0.5)) if value == 0 and error == 0 else error  # none seen is not none possible
        reach = float(stdtrit(n - 1, 0.95)) * error
        if self.of == "flips":
            return Estimate(value, max(value - reach, 0.0), min(value + reach, 1.0), n)
        tiny = float(np.finfo(float).tiny)
        pvalue = min(2 * float(stdtr(n - 1, -abs(value) / error)), 1.0) if error > 0 else tiny
        return Estimate(value, value - reach, value + reach, n, max(pvalue, tiny))
