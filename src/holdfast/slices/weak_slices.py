"""Slices of the data where the model is worse, as readable rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from holdfast.core import Grouper
from holdfast.ops.binning import Bins, cut_columns
from holdfast.slices._confirmation import by_halves, by_shuffling
from holdfast.slices._search import Candidate, Limits, Slice, Tables, exponential_scores, inside, most_telling
from holdfast.slices._telling import holds, rule_of

FINE = 100  # bins that the ends of a slice may move to, of at least 8 rows


class WeakSlices(Grouper):
    r"""Conjunctions of up to `degree` conditions on the features whose rows have a higher loss than the rest.

    .. math:: z_S = \frac{\bar\ell_S - \bar\ell_{\bar S}}{\hat\sigma} \sqrt{\frac{|S| (n - |S|)}{n}}, \quad
              S^* = \arg\max_S z_S^2 - 2 \log(\text{slices of its degree})

    One half of the rows searches: every column is cut into at most `bins` bins, every range of bins and every pair of
    ranges (third conditions for the best pairs) is scored, the best slices get their ends moved to per cents, the best
    of them is taken out and the search repeated up to `slices` times. The other half confirms, then both change roles:
    one-sided Welch tests, corrected together by Holm, keep slices with an adjusted p-value below `level`. So a slice
    that chance made is named in at most the share `level` of clean data sets.
    Fewer than `few` rows cannot spare a half: all of them search, and a slice is kept where it stands out more than the
    best slice of at least 1 - `level` of shuffled losses does (Westfall and Young's largest statistic; at most
    3 / `level` shufflings, fewer where the answer is plain). Its effect is that of the slices found in four fifths of
    the rows, on the fifth left out, five times.
    Search and tests look at Savage's scores of the losses (minus the logarithm of the share above), so that a few huge
    losses hide nothing; `ranked=False` looks at the losses. For errors of 0 and 1 both are the same. A slice has at
    least `least_share` of the rows, at most half, and a height raised by `effect` standard deviations. Group numbers
    follow `slices_`, tuples (rule, rows, effect, pvalue): `rows` in the whole data, `effect` the mean loss less that
    of the rest, on rows that did not search. With over `paired` columns, pairs are formed of those that the loss
    depends on most alone (`paired_`). Columns in `unordered` are codes without an order.

    Use it when there is a loss per row (errors, log loss, squared error) and the question is where it is high. It fails
    on slices of fewer than about 25 rows (50 in large tables), on weakness that no conjunction of ranges describes, and
    across more than `paired` columns on pairs whose columns are harmless alone.

    >>> X = [[i % 10, i // 10 % 10, i % 7] for i in range(1000)]
    >>> loss = [float(a >= 8 and b < 2) + 0.1 * (i % 3) for i, (a, b, _) in enumerate(X)]
    >>> finder = WeakSlices(bins=5, degree=3, slices=2, least_share=0.02, effect=0.5, level=0.01, few=99, seed=2)
    >>> finder.ranked = False
    >>> groups = finder.group_rows(X=X, loss=loss, columns=["age", "dose", "day"])
    >>> [(rule, rows, round(effect.value, 1)) for rule, rows, effect, _ in finder.slices_]
    [('age >= 8 and dose <= 1', 40, 1.0)]
    """

    source = "chung2019slicefinder"
    claims = ("planted_slice", "single_feature")
    # the worlds have one strong slice in few rows and few ordered columns
    silent: ClassVar[tuple[str, ...]] = ("unordered", "paired", "effect", "slices", "level", "few")
    bins: int = 8
    degree: int = 2
    slices: int = 5
    least_share: float = 0.03
    effect: float = 0.2
    level: float = 0.05
    paired: int = 100
    unordered: tuple[int, ...] = ()
    ranked: bool = True
    few: int = 1000
    seed: int = 0

    def group_rows(self, X: np.ndarray, loss: np.ndarray, columns: Sequence[str] | None = None) -> np.ndarray:
        """(n,) the first slice in `slices_` that holds the row, -1 for none."""
        names = [f"x{place}" for place in range(X.shape[1])] if columns is None else [str(name) for name in columns]
        cuts, codes = cut_columns(X, min(FINE, max(self.bins, len(X) // 8)), dict.fromkeys(self.unordered, self.bins))
        loss = np.asarray(loss, dtype=np.float64)
        height = exponential_scores(loss) if self.ranked else loss
        nominate = partial(self._nominated, cuts=cuts)

        def highest(codes: np.ndarray, height: np.ndarray) -> float:
            best = self._tables(codes, height, cuts).best(self.degree, self._limits())
            return -np.inf if best is None else best.gain

        if len(X) < self.few:
            confirmed = by_shuffling(codes, loss, height, nominate, highest, self.level, self.seed)
        else:
            confirmed = by_halves(codes, loss, height, nominate, self.seed)
        groups, kept = np.full(len(X), -1), list[Slice]()
        self.cuts_, self.conditions_ = cuts, []
        for candidate, effect in sorted(confirmed, key=lambda one: one[1].pvalue or 0.0):
            rows, pvalue = inside(codes, candidate.conditions), effect.pvalue or 0.0
            # both halves often find the same slice: the second time most of its rows are taken
            if pvalue >= self.level or (groups[rows] < 0).mean() <= 0.5:
                continue
            groups[rows & (groups < 0)] = len(kept)
            kept.append(Slice(rule_of(candidate, cuts, names), int(rows.sum()), effect, pvalue))
            self.conditions_.append(candidate.conditions)
        self.slices_ = tuple(kept)
        return groups

    def members(self, X: np.ndarray) -> np.ndarray:
        """(m, s) bool: which rows of any table with these columns the rule of each slice holds."""
        return holds(self.cuts_, self.conditions_, X)

    def _nominated(self, codes: np.ndarray, loss: np.ndarray, cuts: list[Bins]) -> list[Candidate]:
        """Slices found in one half, best first; after the first only those that stand out by more than chance."""
        tables, found = self._tables(codes, loss, cuts), list[Candidate]()
        while len(found) < self.slices and tables.left.any():
            best = tables.best(self.degree, self._limits())
            if best is None or (found and best.gain <= 0):
                break
            found.append(best)
            tables.remove(best)
        return found

    def _tables(self, codes: np.ndarray, loss: np.ndarray, cuts: list[Bins]) -> Tables:
        self.paired_ = most_telling(codes, loss, cuts, self.bins, self.paired)
        return Tables(codes, loss, cuts, self.bins, self.paired_)

    def _limits(self) -> Limits:
        return Limits(self.least_share, 0.5, self.effect, 10)
