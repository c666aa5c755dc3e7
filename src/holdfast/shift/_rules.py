"""Statistical rules of a table: where one column lies in a range, another lies in a range or takes certain values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEVELS = 12  # columns with at most this many different values are categories
LEAST = 20  # rows that a context needs in each half


class Rule(NamedTuple):
    """Rows with `low <= column <= high` have `of` within `range`, or among the values `allowed`."""

    column: int
    low: float
    high: float
    of: int
    range: tuple[float, float]
    allowed: tuple[float, ...] = ()
    support: int = 0
    confidence: float = 1.0

    def text(self, names: list[str]) -> str:
        """The rule in words."""
        where = _between(names[self.column], self.low, self.high)
        then = f"{names[self.of]} is one of {', '.join(f'{v:g}' for v in self.allowed)}" if self.allowed else ""
        return f"where {where}: {then or _between(names[self.of], *self.range)}"

    def applies(self, X: np.ndarray) -> np.ndarray:
        """(n,) bool: the rows that the rule speaks about."""
        return (X[:, self.column] >= self.low) & (X[:, self.column] <= self.high)

    def broken(self, X: np.ndarray) -> np.ndarray:
        """(n,) bool: the rows whose value is not what the rule says, whether or not it speaks about them."""
        value = X[:, self.of]
        return ~np.isin(value, self.allowed) if self.allowed else (value < self.range[0]) | (value > self.range[1])


def mine(X: np.ndarray, bins: int, support: float, confidence: float, lift: float) -> list[Rule]:
    """Rules from the even rows that the odd rows confirm.

    A rule stays when the odd rows in its context break it at most twice as often as the confidence allows, and the
    odd rows outside `lift` times as often as those inside: what holds everywhere says nothing about a row.
    """
    learn, check = np.asfortranarray(X[::2]), np.asfortranarray(X[1::2])  # read column by column
    levels = [np.unique(column) for column in X.T]
    rules = []
    for column, known in enumerate(levels):
        for low, high in _contexts(learn[:, column], known, bins):
            inside = (learn[:, column] >= low) & (learn[:, column] <= high)
            seen = (check[:, column] >= low) & (check[:, column] <= high)
            if min(inside.sum(), seen.sum()) < max(LEAST, support * len(learn)) or seen.all():
                continue
            candidates = _candidates(learn[inside], levels, (column, low, high), confidence)
            rules += _confirmed(candidates, check, seen, confidence, lift)
    return rules


def _contexts(values: np.ndarray, known: np.ndarray, bins: int) -> list[tuple[float, float]]:
    """The values of a category, or ranges that hold about equally many rows."""
    if len(known) <= LEVELS:
        return [(float(value), float(value)) for value in known]
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    starts = np.append(-np.inf, edges)
    ends = np.append(np.nextafter(edges, -np.inf), np.inf)
    return [(float(low), float(high)) for low, high in zip(starts, ends, strict=True) if low <= high]


def _candidates(
    rows: np.ndarray, levels: list[np.ndarray], context: tuple[int, float, float], confidence: float
) -> list[Rule]:
    tail = (1 - confidence) / 2
    low, high = np.quantile(rows, [tail, 1 - tail], axis=0)
    rules = []
    for of, known in enumerate(levels):
        if of == context[0] or len(known) < 2:
            continue
        allowed: tuple[float, ...] = ()
        if len(known) <= LEVELS:
            share = (rows[:, of][:, None] == known).mean(axis=0)
            allowed = tuple(float(value) for value in known[share > tail])
            if len(allowed) == len(known):
                continue
        rules.append(Rule(*context, of, (float(low[of]), float(high[of])), allowed, len(rows)))
    return rules


def _confirmed(rules: list[Rule], check: np.ndarray, seen: np.ndarray, confidence: float, lift: float) -> list[Rule]:
    kept = []
    for rule in rules:
        broken = rule.broken(check)
        within, without = float(broken[seen].mean()), float(broken[~seen].mean())
        if within <= 2 * (1 - confidence) and without >= lift * max(within, 1 - confidence):
            kept.append(rule._replace(confidence=1 - within))
    return kept


def _between(name: str, low: float, high: float) -> str:
    if low == high:
        return f"{name} = {low:g}"
    if low == -np.inf:
        return f"{name} < {high:.4g}"
    if high == np.inf:
        return f"{name} >= {low:.4g}"
    return f"{low:.4g} <= {name} <= {high:.4g}"
