"""Rank the findings and say the audit in one sentence."""

from __future__ import annotations

from typing import Literal

from holdfast.audit.probes import Probes
from holdfast.audit.records import Finding, Price
from holdfast.audit.words import capital

Tone = Literal["good", "warn", "bad", "unknown"]
_ORDER = {"found": 0, "unsure": 1, "clear": 2, "not_applicable": 3, "skipped": 4, "error": 5}


def rank(findings: list[Finding]) -> tuple[Finding, ...]:
    """Found first: what pays by its price, then what has no price, then what does not pay; then the other outcomes."""
    return tuple(sorted(findings, key=_place))


def pays(price: Price | None) -> bool:
    """The whole interval of the gain lies above zero."""
    return price is not None and price.gain is not None and price.gain.low > 0


def _place(finding: Finding) -> tuple[int, int, float, str]:
    gain = finding.price.gain if finding.price else None
    group = 0 if pays(finding.price) else 1 if gain is None else 2
    return _ORDER[finding.outcome], group, -(gain.value if gain else 0.0), finding.code


def verdict(findings: tuple[Finding, ...], facts: Probes) -> tuple[str, Tone]:
    """One sentence for the reader in a hurry, and how worried to be."""
    by_code = {finding.code: finding for finding in findings}
    found = [finding for finding in findings if finding.outcome == "found"]
    paying = [finding for finding in found if pays(finding.price)]
    parts = [_performance(by_code)]
    cause = by_code.get("PER003")
    if cause is not None and cause.outcome == "found":
        parts[0] += f", mostly through {cause.settings['largest']}"
    if paying and paying[0].price is not None and paying[0].price.gain is not None:
        parts.append(f"what pays most: {_plain(paying[0].price)}")
    elif found:
        parts.append(_unpaid(found, facts))
    elif not any(finding.outcome == "unsure" for finding in findings):
        parts.append("no check found a fault")
    sentence = "; ".join(part for part in parts if part)
    return capital(sentence) + ".", _tone(by_code, found, paying)


def _within(sentence: str) -> str:
    """A sentence as a part of another."""
    return sentence[:1].lower() + sentence[1:]


def _performance(by_code: dict[str, Finding]) -> str:
    for code in ("PER001", "PER002"):
        finding = by_code.get(code)
        if finding is not None and finding.outcome in ("found", "clear", "unsure"):
            return finding.summary.rstrip(".")
    return ""


def _unpaid(found: list[Finding], facts: Probes) -> str:
    faults = "fault" if len(found) == 1 else "faults"
    if facts["settings"].quick or not any(finding.price for finding in found):
        return f"{len(found)} {faults} found, not priced"
    return f"{len(found)} {faults} found, but no remedy that was tried gains more than the noise"


def _plain(price: Price) -> str:
    from holdfast.ops.metrics import METRICS

    assert price.gain is not None
    metric = METRICS[price.metric]
    scale, unit = (100, " points") if metric.unit == "points" else (1, "")
    gain = price.gain
    remedy = _within(price.remedy)
    numbers = f"{gain.value * scale:+.1f}{unit} ({gain.low * scale:.1f} to {gain.high * scale:.1f})"
    if scale == 1:
        numbers = f"{gain.value:+.3g} ({gain.low:.3g} to {gain.high:.3g})"
    return f"{remedy}: {numbers} of {metric.label}"


def _tone(by_code: dict[str, Finding], found: list[Finding], paying: list[Finding]) -> Tone:
    performance = by_code.get("PER001")
    if performance is not None and performance.outcome == "found":
        return "bad"
    if paying or found:
        return "warn"
    return "good" if any(finding.outcome == "clear" for finding in by_code.values()) else "unknown"
