"""Numbers as words: how findings say what was measured."""

from __future__ import annotations

from holdfast.core import Estimate
from holdfast.ops.metrics import Metric


def percent(share: float) -> str:
    """A share as a percentage with two significant digits.

    >>> [percent(share) for share in (0.0, 0.00123, 0.0567, 0.5, 0.9987, 1.0)]
    ['0 %', '0.12 %', '5.7 %', '50 %', '99.9 %', '100 %']
    """
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f} %"
    if value > 99:
        return f"{min(value, 99.99):.1f} %" if value < 99.95 else "over 99.9 %"
    return f"{value:.2g} %"


def count(number: int, thing: str, things: str = "") -> str:
    """A number with its noun.

    >>> count(1, "row"), count(1200, "row"), count(2, "category", "categories")
    ('1 row', '1,200 rows', '2 categories')
    """
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def pvalue(p: float | None) -> str:
    """A p-value as text.

    >>> pvalue(0.0312), pvalue(1e-9)
    ('p = 0.031', 'p < 0.001')
    """
    if p is None:
        return "no p-value"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def in_metric(estimate: Estimate, metric: Metric, signed: bool = False) -> str:
    """A value of a metric with its interval, in points where the metric is a share."""
    sign = "+" if signed else ""
    if metric.unit == "points" and signed:
        return f"{100 * estimate.value:+.1f} points ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"
    return f"{estimate.value:{sign}.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def listed(names: list[str] | tuple[str, ...], most: int = 6) -> str:
    """Names in a sentence, the rest counted.

    >>> listed(["a"]), listed(["a", "b"]), listed(list("abcdefgh"), most=3)
    ('a', 'a and b', 'a, b, c and 5 more')
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def capital(sentence: str) -> str:
    """The sentence with a capital first letter.

    >>> capital("accuracy holds")
    'Accuracy holds'
    """
    return sentence[:1].upper() + sentence[1:]
