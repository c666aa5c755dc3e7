"""The gate: does an audit stop a build? A pure function of the record, for the command line, JUnit, SARIF and pytest.

A condition is a number or a code. A number is a price: the gate closes when a remedy surely gains more than that (the
whole interval lies above it). A code closes the gate when that check found its fault.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

OPEN, PRICE, CODE, UNJUDGED = 0, 3, 4, 5  # exit codes; 2 is wrong input


class Gate(NamedTuple):
    """`exit_code` is 0 (open), 3 (a price), 4 (a code) or 5 (a condition could not be judged); `reasons` by code."""

    exit_code: int
    reasons: dict[str, str]


def read_conditions(
    given: Sequence[str | float], known: Collection[str], ignored: Mapping[str, str], only: Sequence[str], quick: bool
) -> tuple[float | None, tuple[str, ...]]:
    """The price and the codes of `--fail-on`; `ValueError` for what can never close the gate.

    >>> read_conditions(["0.01", "LAB001"], {"LAB001"}, {}, (), quick=False)
    (0.01, ('LAB001',))
    >>> read_conditions(["LAB9"], {"LAB001"}, {}, (), quick=False)
    Traceback (most recent call last):
    ValueError: --fail-on 'LAB9': expected a price such as 0.01 or the code of a check, such as LAB001.
    """
    prices, codes = [], []
    for text in given:
        price = _number(text)
        if price is None:
            codes.append(str(text))
        else:
            prices.append(price)
    for code in codes:
        if code not in known:
            example = min(known)
            raise ValueError(
                f"--fail-on {code!r}: expected a price such as 0.01 or the code of a check, such as {example}."
            )
        if code in ignored or (only and code not in only):
            why = "--ignore leaves it out" if code in ignored else "--only does not name it"
            raise ValueError(f"--fail-on {code}: {why}, so that it would never stop anything. Remove one of the two.")
    for price in prices:
        if not math.isfinite(price) or price < 0:
            raise ValueError(f"--fail-on {price}: a price is a number from 0 upwards, such as 0.01.")
    if len(prices) > 1:
        raise ValueError(f"--fail-on names {len(prices)} prices; expected one.")
    if prices and quick:
        raise ValueError("--fail-on with a price needs prices, which --quick leaves out. Remove one of the two.")
    return (prices[0] if prices else None), tuple(codes)


def judge(record: Mapping[str, Any], price: float | None, codes: Collection[str]) -> Gate:
    """Whether the audit passes. A check that crashed or was skipped may hide a fault: then nothing passes by silence.

    >>> crashed = {"code": "LAB001", "outcome": "error", "reason": "boom", "summary": "", "price": None}
    >>> judge({"findings": [crashed]}, None, ("LAB001",))
    Gate(exit_code=5, reasons={'LAB001': 'could not be judged: boom'})
    """
    costly, found, unjudged = {}, {}, {}
    for finding in record["findings"]:
        code, outcome = finding["code"], finding["outcome"]
        low = _gain_low(finding)
        if price is not None and low is not None and low > price:
            costly[code] = f"a remedy surely gains more than {price:g}: {finding['summary']}"
        if code in codes and outcome == "found":
            found[code] = finding["summary"]
        if (code in codes and outcome in ("error", "skipped")) or (price is not None and outcome == "error"):
            unjudged[code] = f"could not be judged: {finding['reason']}"
    exit_code = PRICE if costly else CODE if found else UNJUDGED if unjudged else OPEN
    return Gate(exit_code, {**unjudged, **found, **costly})


def _gain_low(finding: Mapping[str, Any]) -> float | None:
    gain = (finding["price"] or {}).get("gain")
    return None if gain is None else gain["low"]


def _number(text: str | float) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
