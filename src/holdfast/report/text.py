"""Words and numbers as a reader meets them: the same in the page and in the terminal."""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from math import isinf
from typing import Any

from holdfast.ops.metrics import METRICS

LONGEST = 120
NARROW = "\u202f"
NBSP = "\u00a0"
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def visible(text: str) -> str:
    r"""Text in which control characters, text-direction overrides and lone surrogates are shown instead of obeyed.

    >>> visible("a\x1b[31m b\u202ec")
    'a\\x1b[31m b\\u202ec'
    """
    return _CONTROL.sub(_escaped, text)


def prose(text: str) -> str:
    """A sentence whose per-cent signs stay with their numbers at the end of a line.

    >>> prose("14 % of rows")
    '14\\u202f% of rows'
    """
    return re.sub(r"(?<=\d) %", f"{NARROW}%", text)


def clip(text: str, longest: int = LONGEST) -> str:
    """At most `longest` characters, the last one an ellipsis when something was cut.

    >>> clip("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def number(value: float | None) -> str:
    """Three significant digits; whole numbers and thousands without decimals; a real minus sign.

    >>> [number(value) for value in (0.8, -12.25, 303.0, 1234.5, 0.000012, None)]
    ['0.800', '−12.3', '303', '1,235', '1.2e−5', '–']
    """
    if value is None:
        return "–"
    size = abs(value)
    if isinf(value) or 999.5 <= size < 1e15 or (size < 1e15 and value == int(value)):
        return _fixed(value, 0)
    if 1e-4 <= size < 999.5:
        return _fixed(value, 2 - _digits(value, 3).adjusted())
    return f"{_digits(value, 2):.1e}".replace("e+", "e").replace("-", "−")


def percent(share: float | None) -> str:
    """A share of 1 in per cent.

    >>> [percent(share) for share in (0.1234, 0.0001, 0.0, 1.0, -0.05)]
    ['12.3\\u202f%', '< 0.1\\u202f%', '0\\u202f%', '100\\u202f%', '−5.0\\u202f%']
    """
    if share is None:
        return "–"
    if 0 < share < 0.0005:
        return f"< 0.1{NARROW}%"
    if abs(share) > 1e6:
        return f"{number(100 * share)}{NARROW}%"
    return f"{_fixed(100 * share, 0 if share in (0, 1) else 1)}{NARROW}%"


def pvalue(value: float | None) -> str:
    """A p-value alone, for a table.

    >>> [pvalue(value) for value in (0.00001, 0.0123, 0.5)]
    ['< 0.001', '0.012', '0.50']
    """
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else _fixed(value, 3 if value < 0.1 else 2)


def amount(value: float | None, unit: str) -> str:
    """A value with its unit, as part of a sentence.

    >>> amount(0.005, "share of test rows"), amount(2.0, "columns")
    ('0.5\\u202f% of test rows', '2 columns')
    """
    return f"{quantity(value, unit)} {unit.removeprefix('share ')}"


def says_p(value: float) -> str:
    """A p-value in a sentence.

    >>> says_p(0.0001).replace(NBSP, " "), says_p(0.0123).replace(NBSP, " ")
    ('p < 0.001', 'p = 0.012')
    """
    text = pvalue(value)
    return (f"p {text}" if text.startswith("<") else f"p = {text}").replace(" ", NBSP)


def quantity(value: float | None, unit: str) -> str:
    """A value in its unit: a share in per cent, points times 100, anything else as a number.

    >>> quantity(0.049, "share of rows"), quantity(0.8049, "points"), quantity(0.049, "distance")
    ('4.9\\u202f%', '80.5', '0.0490')
    """
    if value is not None and unit == "points":
        return _one_decimal(100 * value)
    return percent(value) if is_share(unit) else number(value)


def is_share(unit: str) -> bool:
    """Whether values of this unit are shares of 1."""
    return re.search(r"\bshares?\b", unit) is not None


def span(low: str | None, high: str | None) -> str:
    """An interval in words; an end that is not known is open.

    >>> span("1.2", "3.4"), span("0.5", None), span(None, None)
    ('1.2 to 3.4', 'from 0.5', 'interval not known')
    """
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"from {low}" if low is not None else f"up to {high}" if high is not None else "interval not known"


def estimate(value: dict[str, Any], unit: str = "") -> str:
    """An estimate with all that belongs to it.

    >>> whole = {"value": 0.049, "low": 0.031, "high": 0.071, "n": 303, "pvalue": 0.0004}
    >>> estimate(whole, "distance").replace(NBSP, " ")
    '0.0490 (0.0310 to 0.0710; n = 303; p < 0.001)'
    """
    low, high = (None if value[end] is None else quantity(value[end], unit) for end in ("low", "high"))
    facts = [span(low, high), f"n{NBSP}={NBSP}{value['n']:,}"]
    if value["pvalue"] is not None:
        facts.append(says_p(value["pvalue"]))
    return f"{quantity(value['value'], unit)} ({'; '.join(facts)})"


def in_points(metric: str) -> bool:
    """Whether gains of this metric are stated in points, that is, hundredths.

    >>> in_points("auroc"), in_points("log_loss"), in_points("my own")
    (True, False, False)
    """
    return metric in METRICS and METRICS[metric].unit == "points"


def gain(value: float | None, metric: str) -> str:
    """What a metric gains, with its sign: in points where that is its unit.

    >>> gain(0.0234, "accuracy"), gain(-0.012, "log_loss")
    ('+2.3 points', '−0.0120')
    """
    if value is None:
        return "not known"
    points = in_points(metric)
    text = _one_decimal(100 * value) if points else number(value)
    sign = "" if text.startswith("−") or not text.strip("0.") else "+"
    return f"{sign}{text}{' points' if points else ''}"


def gain_span(value: dict[str, Any], metric: str) -> str:
    """The interval of a gain, in the same unit as `gain`.

    >>> gain_span({"low": -0.012, "high": 0.034}, "accuracy")
    '−1.2 to 3.4'
    """
    scale, write = (100, _one_decimal) if in_points(metric) else (1, number)
    low, high = (None if value[end] is None else write(scale * value[end]) for end in ("low", "high"))
    return span(low, high)


def pays(value: dict[str, Any]) -> str:
    """In words, what the interval of a gain says: pays, costs or uncertain.

    >>> pays({"low": 0.01, "high": 0.02}), pays({"low": -0.01, "high": 0.02}), pays({"low": -2, "high": -1})
    ('pays', 'uncertain', 'costs')
    """
    low, high = value["low"], value["high"]
    if low is not None and low > 0:
        return "pays"
    return "costs" if high is not None and high < 0 else "uncertain"


def name(text: str) -> str:
    """A metric or another identifier as words.

    >>> name("auroc"), name("max_iter")
    ('AUROC', 'max iter')
    """
    return METRICS[text].label if text in METRICS else text.replace("_", " ")


def capital(text: str) -> str:
    """A sentence or title with a capital at its start.

    >>> capital("labels of AUROC")
    'Labels of AUROC'
    """
    return text[:1].upper() + text[1:]


def reason(text: str) -> str:
    """Why something was not done, to stand after a colon and before a full stop.

    >>> reason("not priced: no labels."), reason("")
    ('no labels', 'no reason was given')
    """
    return text.removeprefix("not priced: ").rstrip(" .") or "no reason was given"


def setting(value: Any) -> str:
    """The value of a setting as text.

    >>> setting(["a", 1]), setting("fast"), setting(None)
    ('a, 1', 'fast', 'none')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not any(isinstance(item, (list, dict)) for item in value):
        return ", ".join(setting(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def cell(value: Any, kind: str) -> str:
    """One cell of a table; `kind` is text, number, percent, row or pvalue.

    >>> cell(0.5, "percent"), cell(1204, "row"), cell(None, "text"), cell("x", "number")
    ('50.0\\u202f%', '1204', '–', 'x')
    """
    if value is None:
        return "–"
    if kind in ("number", "percent", "pvalue") and isinstance(value, (int, float)) and not isinstance(value, bool):
        return {"number": number, "percent": percent, "pvalue": pvalue}[kind](value)
    return clip(setting(value))


def count(total: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{total:,} {noun}{'' if total == 1 else 's'}"


def _one_decimal(value: float) -> str:
    text = _fixed(value, 1)
    return "0.0" if text == "−0.0" else text


def _fixed(value: float, digits: int) -> str:
    """Rounded as browsers round: a tie goes away from zero. The script of the page must write the same numbers."""
    if isinf(value):  # 100 times a very large number
        return "∞" if value > 0 else "−∞"
    exact = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, Context(prec=400))
    return f"{exact:,f}".replace("-", "−")


def _digits(value: float, digits: int) -> Decimal:
    return Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(Decimal(value))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
