"""Rules mined from training data, and the rows that break them."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.core import Scorer
from holdfast.shift._rules import Rule, mine

BLOCK = 4096  # rows scored together


class MinedRules(Scorer):
    r"""Share of the rules that speak about a row and that it breaks; rules are mined from training data.

    .. math:: a \le x_i \le b \;\Rightarrow\; q_{\alpha/2} \le x_j \le q_{1-\alpha/2}, \qquad \alpha = 1 - confidence

    A context is one of `bins` ranges of a column, or one of its values; what follows is a range between conditional
    quantiles, or a set of values. The label counts as a column: with `predicted`, predictions that contradict what
    training says about such rows break rules too. A rule needs `support` (a share of the rows), must hold on rows it
    was not mined from, and must be broken `lift` times as often outside its context. Use it to find corrupted, imputed
    or wrongly joined rows and predictions, with a reason to read (`broken_by`). It fails where columns are unrelated,
    and for faults that stay within what one column says about another.

    >>> x = np.arange(400) / 100
    >>> X = np.column_stack([x, -x])
    >>> method = MinedRules(bins=2, support=0.1, confidence=0.9, lift=2.0).fit(X=X, columns=["up", "down"])
    >>> print("; ".join(method.rules_))
    where up < 1.99: -1.881 <= down <= -0.099; where up >= 1.99: -3.881 <= down <= -2.099;
    where down < -1.99: 2.099 <= up <= 3.881; where down >= -1.99: 0.099 <= up <= 1.881
    >>> method.score_rows(X=[[1.0, -1.0], [1.0, -3.0]]).tolist(), method.broken_by(X=[[1.0, -3.0]])
    ([0.0, 1.0], [['where up < 1.99: -1.881 <= down <= -0.099', 'where down < -1.99: 2.099 <= up <= 3.881']])
    """

    source = "naik2023rules"
    claims = ("recombined_rows",)
    bins: int = 5
    support: float = 0.05
    confidence: float = 0.95
    lift: float = 3.0

    def fit(self, X: np.ndarray, y: np.ndarray | None = None, columns: Any = None) -> MinedRules:
        """Mine the rules; `rules_` holds them in words."""
        names = [f"column {i}" for i in range(X.shape[1])] if columns is None else [str(name) for name in columns]
        table = _table(X, y)
        self.mined_: list[Rule] = mine(table, self.bins, self.support, self.confidence, self.lift)
        self.rules_ = [rule.text([*names, "label"]) for rule in self.mined_]
        return self

    def score_rows(self, X: np.ndarray, predicted: np.ndarray | None = None) -> np.ndarray:
        """(n,) the share of the rules that apply to a row and that it breaks; 0 where none applies."""
        table = _table(X, predicted)
        applied, broken = np.zeros(len(table)), np.zeros(len(table))
        for start in range(0, len(table), BLOCK):
            rows = slice(start, start + BLOCK)
            for applies, breaks in self._verdicts(table[rows]):
                applied[rows] += applies
                broken[rows] += breaks
        return broken / np.maximum(applied, 1)

    def broken_by(self, X: Any, predicted: Any = None) -> list[list[str]]:
        """Per row, the rules that it breaks, in words."""
        table = _table(np.asarray(X), None if predicted is None else np.asarray(predicted))
        broken = [np.flatnonzero(breaks) for _, breaks in self._verdicts(table)]
        texts: list[list[str]] = [[] for _ in table]
        speaking = self._speaking(table)
        for rule, rows in zip(speaking, broken, strict=True):
            for row in rows:
                texts[row].append(self.rules_[rule])
        return texts

    def _speaking(self, table: np.ndarray) -> list[int]:
        """The rules that need no column that is not there (the label, without predictions)."""
        width = table.shape[1]
        return [i for i, rule in enumerate(self.mined_) if max(rule.column, rule.of) < width]

    def _verdicts(self, table: np.ndarray) -> Any:
        """Per speaking rule: which rows it applies to, and which of them break it."""
        context: tuple[float, ...] = ()
        applies = np.zeros(0, bool)
        for i in self._speaking(table):
            rule = self.mined_[i]
            if rule[:3] != context:
                context, applies = rule[:3], rule.applies(table)
            yield applies, applies & rule.broken(table)


def _table(X: np.ndarray, label: np.ndarray | None) -> np.ndarray:
    return X.astype(np.float64) if label is None else np.column_stack([X, label]).astype(np.float64)
