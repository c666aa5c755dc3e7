"""Charts drawn as SVG: one to two kilobytes each, real text, coloured by the page's CSS variables.

All are drawn 360 units wide, so that their text stays legible on a phone. Nothing is told by colour alone: the two
distributions of a histogram differ in width, the lines of a curve in dashes and markers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from holdfast.report.text import clip, is_share, number, percent, quantity, span, visible

WIDTH = 360
LETTER = 6.4  # the width of an average letter at the charts' font size
MOST_ITEMS = 30
MOST_SERIES = 6
Scale = Callable[[float], float]


def chart(detail: dict[str, Any], key: str) -> Markup:
    """The picture of one detail, or nothing where there is none to draw; `key` is unique in the page."""
    draw = {"bars": _bars, "histogram": _histogram, "curve": _curve}.get(detail["kind"])
    drawn = draw(detail) if draw else None
    if drawn is None:
        return Markup("")
    body, height, description = drawn
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-t" aria-describedby="{}-d">'
        '<title id="{}-t">{}</title><desc id="{}-d">{}</desc>{}</svg>'
    ).format(WIDTH, round(height), key, key, key, visible(detail["title"]), key, visible(description), body)


def interval_domain(gains: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """The common axis of several gains: always with zero, and a little air at both ends."""
    ends = [end for gain in gains for end in (gain["value"], gain["low"], gain["high"]) if end is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    air = 0.04 * (high - low) or 1.0
    return low - air, high + air


def interval(gain: dict[str, Any], domain: tuple[float, float]) -> Markup:
    """A gain and its interval against zero. The numbers stand beside it, so that it is hidden from screen readers."""
    x = _scale(domain, (4, 236))
    low, high = (gain["value"] if gain[end] is None else gain[end] for end in ("low", "high"))
    if gain["value"] is None or not math.isfinite(domain[1] - domain[0]):
        return Markup("")
    return Markup(
        '<svg class="interval" viewBox="0 0 240 32" aria-hidden="true"><path class="zero" d="M{} 0v32"/>'
        '<path class="range" d="M{} 14H{}M{} 10v8M{} 10v8"/><circle cx="{}" cy="14" r="4.5"/></svg>'
    ).format(*map(_short, (x(0), x(low), x(high), x(low), x(high), x(gain["value"]))))


def interval_axis(domain: tuple[float, float], factor: float) -> Markup:
    """The axis over a column of intervals."""
    if not math.isfinite(domain[1] - domain[0]):
        return Markup("")
    x = _scale(domain, (4, 236))
    marks = (
        _text(min(max(x(tick), 12), 228), 11, ("+" if tick > 0 else "") + _tick(tick * factor), "middle")
        for tick in _ticks(*domain, most=5)
        if domain[0] <= tick <= domain[1]
    )
    return Markup('<svg class="interval axis" viewBox="0 0 240 16" aria-hidden="true">{}</svg>').format(_join(marks))


def _bars(detail: dict[str, Any]) -> tuple[Markup, float, str] | None:
    items = [item for item in detail["items"] if item[1] is not None][:MOST_ITEMS]
    domain = _domain([end for item in items for end in item[1:] if end is not None])
    if domain is None:
        return None
    # Bars start at zero and nowhere else; where zero is far away, a dot on a closer axis shows more.
    solid = domain[0] <= 0.5 * domain[1]
    domain = (min(0.0, domain[0]), max(0.0, domain[1])) if solid else domain
    ticks = _ticks(*domain)
    domain = (min(domain[0], ticks[0]), max(domain[1], ticks[-1]))
    x, bottom = _scale(domain, (6, WIDTH - 6)), 38 * len(items) + 2
    body = [_grid_x(ticks, x, bottom, detail["unit"])]
    for index, (label, value, low, high) in enumerate(items):
        top = 38 * index
        body.append(_text(0, top + 13, clip(label, 40), "label"))
        body.append(_text(WIDTH, top + 13, quantity(value, detail["unit"]), "end value"))
        if solid:
            left, right = sorted((x(0), x(value)))
            body.append(_path("current", f"M{_short(left)} {top + 20}H{_short(right)}v9H{_short(left)}z"))
        if low is not None or high is not None:
            ends = [x(value if end is None else end) for end in (low, high)]
            body.append(_whisker(ends[0], ends[1], top + 24.5))
        if not solid:
            body.append(Markup('<circle class="current" cx="{}" cy="{}" r="5"/>').format(_short(x(value)), top + 24.5))
    if solid and domain[0] < 0:
        body.append(_path("zero", f"M{_short(x(0))} 0V{bottom}"))
    description = "; ".join(_says(item, detail["unit"]) for item in items[:12])
    return _join(body), bottom + 18, f"{detail['unit']}: {description}"


def _says(item: list[Any], unit: str) -> str:
    label, value, *ends = item
    low, high = (None if end is None else quantity(end, unit) for end in ends)
    return f"{label} {quantity(value, unit)}" + (f" ({span(low, high)})" if low or high else "")


def _histogram(detail: dict[str, Any]) -> tuple[Markup, float, str] | None:
    labels = [visible(label) for label in detail["labels"]]
    shares = [[share or 0.0 for share in detail[part]] for part in ("reference", "current")]
    if not labels or max(max(shares[0]), max(shares[1])) <= 0:
        return None
    fits = max(map(len, labels)) * LETTER + 4 <= (WIDTH - 36) / len(labels)
    draw = _lying if len(labels) <= 10 and not fits else _standing
    body, height = draw(labels, shares)
    description = "; ".join(
        f"{label}: {percent(before)} in {detail['reference_name']}, {percent(after)} in {detail['current_name']}"
        for label, before, after in list(zip(labels, *shares, strict=True))[:12]
    )
    return body, height, description


def _standing(labels: list[str], shares: list[list[float]]) -> tuple[Markup, float]:
    """Bins side by side: a wide pale bar for the reference, a narrow strong one in front for the current sample."""
    left, floor, slot = 36, 118, (WIDTH - 36) / len(labels)
    ticks = _ticks(0, max(map(max, shares)), most=4)
    y = _scale((0, max(ticks[-1], max(map(max, shares)))), (floor, 8))
    body = [_text(left - 6, y(tick) + 4, percent(tick).replace(".0", ""), "end") for tick in ticks]
    body.append(_path("grid", "".join(f"M{left} {_short(y(tick))}H{WIDTH}" for tick in ticks)))
    for name, width, part in (("reference", 0.84, shares[0]), ("current", 0.42, shares[1])):
        edge = left + slot * (1 - width) / 2
        body.append(
            _path(
                name,
                "".join(
                    f"M{_short(edge + slot * index)} {floor}V{_short(y(share))}h{_short(slot * width)}V{floor}z"
                    for index, share in enumerate(part)
                    if share > 0
                ),
            )
        )
    labels = [clip(label, 14) for label in labels]
    every = math.ceil((max(map(len, labels)) * LETTER + 6) / slot)
    for index in range(0, len(labels), every):
        middle = min(left + slot * (index + 0.5), WIDTH - len(labels[index]) * LETTER / 2)
        body.append(_text(middle, floor + 16, labels[index], "middle"))
    return _join(body), floor + 22


def _lying(labels: list[str], shares: list[list[float]]) -> tuple[Markup, float]:
    """Categories below each other, for names too long to stand under bars."""
    x, body = _scale((0, max(map(max, shares))), (0, WIDTH)), []
    for index, (label, reference, current) in enumerate(zip(labels, *shares, strict=True)):
        top = 42 * index
        body.append(_text(0, top + 13, clip(label, 36), "label"))
        body.append(_text(WIDTH, top + 13, f"{percent(reference)} → {percent(current)}", "end value"))
        body.append(_path("reference", f"M0 {top + 19}H{_short(x(reference))}v9H0z"))
        body.append(_path("current", f"M0 {top + 29}H{_short(x(current))}v5H0z"))
    return _join(body), 42 * len(labels)


def _curve(detail: dict[str, Any]) -> tuple[Markup, float, str] | None:
    series = [_known(line) for line in detail["series"]][:MOST_SERIES]
    series = [line for line in series if line[1]]
    horizontal = _domain([value for line in series for value in line[1]])
    vertical = _domain([value for line in series for part in line[2:] for value in part])
    if horizontal is None or vertical is None:
        return None
    if detail["diagonal"]:
        horizontal = vertical = (min(horizontal[0], vertical[0]), max(horizontal[1], vertical[1]))
    x_ticks, y_ticks = _ticks(*horizontal), _ticks(*vertical)
    left, top, right, floor = 44, 24, WIDTH - 10, 200
    x = _scale((min(horizontal[0], x_ticks[0]), max(horizontal[1], x_ticks[-1])), (left, right))
    y = _scale((min(vertical[0], y_ticks[0]), max(vertical[1], y_ticks[-1])), (floor, top))
    body = [_path("grid", "".join(f"M{left} {_short(y(tick))}H{right}" for tick in y_ticks))]
    body += [_text(left - 6, y(tick) + 4, _tick(tick), "end") for tick in y_ticks]
    body += [_text(x(tick), floor + 16, _tick(tick), "middle") for tick in x_ticks]
    body.append(_text(0, 12, clip(detail["y_label"], 50), "label"))
    body.append(_text(right, floor + 34, clip(detail["x_label"], 50), "end label"))
    if detail["diagonal"]:
        start, end = (f"{_short(x(value))} {_short(y(value))}" for value in horizontal)
        body.append(_path("diagonal", f"M{start}L{end}"))
    for index, line in enumerate(series):
        body.append(_line(line, x, y, index))
    description = f"{detail['y_label']} by {detail['x_label']}. " + "; ".join(
        f"{name}: from {number(ys[0])} at {number(xs[0])} to {number(ys[-1])} at {number(xs[-1])}"
        for name, xs, ys, *_ in series
    )
    return _join(body), floor + 40, description


def _line(line: list[Any], x: Scale, y: Scale, index: int) -> Markup:
    _, xs, ys, low, high = line
    points = [f"{_short(x(a))} {_short(y(b))}" for a, b in zip(xs, ys, strict=True)]
    body = []
    if low and high:
        upper = [f"{_short(x(a))} {_short(y(b))}" for a, b in zip(xs, high, strict=True)]
        lower = [f"{_short(x(a))} {_short(y(b))}" for a, b in zip(reversed(xs), reversed(low), strict=True)]
        body.append(_path("band", f"M{'L'.join(upper + lower)}z"))
    body.append(_path("line", f"M{'L'.join(points)}"))
    if len(points) <= 24:
        mark = ("m-3.5 0a3.5 3.5 0 107 0 3.5 3.5 0 10-7 0", "m-3-3h6v6h-6z", "m0-4 4 7h-8z")[index % 3]
        body.append(_path("mark", "".join(f"M{point}{mark}" for point in points)))
    return Markup('<g class="s{}">{}</g>').format(index, _join(body))


def _known(line: list[Any]) -> list[Any]:
    """A series without the points at which a number is not known."""
    name, *parts = line
    full = [part for part in parts if part]
    keep = [index for index, values in enumerate(zip(*full, strict=True)) if None not in values]
    return [name, *([part[index] for index in keep] if part else [] for part in parts)]


def _domain(values: Sequence[float]) -> tuple[float, float] | None:
    """The range of the values, never empty; None where it cannot be drawn."""
    if not values or not math.isfinite(max(values) - min(values)):
        return None
    low, high = min(values), max(values)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    air = abs(low) / 2 or 0.5
    return low - air, high + air


def _ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers that span the range: at most about `most` of them.

    >>> _ticks(0.31, 0.92)
    [0.2, 0.4, 0.6, 0.8, 1.0]
    """
    rough = max((high - low) / (most - 1), 1e-300)
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-6), math.ceil(high / step - 1e-6)
    return [float(f"{index * step:.6g}") for index in range(first, last + 1)]


def _tick(value: float) -> str:
    return f"{value:,.6g}".replace("-", "−")


def _scale(domain: tuple[float, float], target: tuple[float, float]) -> Scale:
    (low, high), (start, end) = domain, target
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(x: float, y: float, text: str, classes: str) -> Markup:
    return Markup('<text x="{}" y="{}" class="{}">{}</text>').format(_short(x), _short(y), classes, visible(text))


def _path(name: str, path: str) -> Markup:
    return Markup('<path class="{}" d="{}"/>').format(name, path)


def _whisker(low: float, high: float, y: float) -> Markup:
    a, b, top = _short(low), _short(high), _short(y - 4)
    return _path("range", f"M{a} {_short(y)}H{b}M{a} {top}v8M{b} {top}v8")


def _grid_x(ticks: Sequence[float], x: Scale, bottom: float, unit: str) -> Markup:
    scaled = unit == "points" or is_share(unit)
    names = [quantity(tick, unit).replace(".0", "") if scaled else _tick(tick) for tick in ticks]
    halves = [len(name) * LETTER / 2 for name in names]
    places = [min(max(x(tick), half), WIDTH - half) for tick, half in zip(ticks, halves, strict=True)]
    labels = (_text(place, bottom + 14, name, "middle") for place, name in zip(places, names, strict=True))
    return _path("grid", "".join(f"M{_short(x(tick))} 18V{bottom}" for tick in ticks)) + _join(labels)


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(escape(part) for part in parts)
