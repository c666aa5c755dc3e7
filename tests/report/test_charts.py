"""What a chart draws is where the numbers say."""

from __future__ import annotations

import re
from typing import Any

import pytest

from holdfast.report.charts import WIDTH, chart, interval, interval_axis, interval_domain


def gain(value: float, low: float | None, high: float | None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 5, "pvalue": None}


def test_standing_histogram_is_proportional() -> None:
    detail = {"kind": "histogram", "title": "age", "labels": ["a", "b"], "reference": [0.25, 0.75]}
    detail |= {"current": [0.5, 0.5], "reference_name": "train", "current_name": "test"}
    svg = chart(detail, "x")
    reference = [118 - float(top) for top in re.findall(r"118V([\d.]+)h", svg.split('class="reference"')[1])[:2]]
    current = [118 - float(top) for top in re.findall(r"118V([\d.]+)h", svg.split('class="current"')[1])[:2]]
    assert reference[1] == pytest.approx(3 * reference[0], abs=0.3)
    assert current[0] == current[1] == pytest.approx(2 * reference[0], abs=0.3)
    assert "a: 25.0\u202f% in train, 50.0\u202f% in test" in svg


def test_long_categories_lie_and_are_proportional() -> None:
    detail = {"kind": "histogram", "title": "cp", "labels": [f"a rather long category {i}" for i in range(5)]}
    detail |= {"reference": [0.2, 0.4, 0.4, 0.0, 0.0], "current": [0.8, 0.1, 0.1, 0.0, 0.0]}
    svg = chart(detail | {"reference_name": "train", "current_name": "test"}, "x")
    current = [float(end) for end in re.findall(r'class="current" d="M0 \d+H([\d.]+)v', svg)]
    assert current[0] == WIDTH
    assert current[1] == pytest.approx(WIDTH / 8, abs=0.1)
    assert "20.0\u202f% → 80.0\u202f%" in svg


def test_negative_bars_go_left_of_zero() -> None:
    items = [["up", 2.0, 1.0, 3.0], ["down", -1.0, -2.0, 0.0]]
    detail = {"kind": "bars", "title": "t", "unit": "days", "items": items}
    svg = chart(detail, "x")
    bars = [tuple(map(float, ends)) for ends in re.findall(r'class="current" d="M([\d.]+) \d+H([\d.]+)v', svg)]
    zero = float(re.search(r'class="zero" d="M([\d.]+) ', svg)[1])  # type: ignore[index]
    assert bars[0][0] == pytest.approx(zero)
    assert bars[1][1] == pytest.approx(zero)
    assert bars[0][1] - zero == pytest.approx(2 * (zero - bars[1][0]), abs=0.3)
    assert ">−1</text>" in svg


def test_bars_far_from_zero_are_dots_on_a_near_axis() -> None:
    items = [["a", 0.8, 0.7, 0.9], ["b", 0.75, None, None]]
    detail = {"kind": "bars", "title": "t", "unit": "accuracy", "items": items}
    svg = chart(detail, "x")
    assert svg.count("<circle") == 2
    assert svg.count('class="range"') == 1
    low, high = (float(x) for x in re.search(r'class="range" d="M([\d.]+) [\d.]+H([\d.]+)', svg).groups())  # type: ignore[union-attr]
    dot = float(re.search(r'cx="([\d.]+)"', svg)[1])  # type: ignore[index]
    assert dot == pytest.approx((low + high) / 2, abs=0.2)


def test_curve_rises_when_its_numbers_rise() -> None:
    series = [["s", [0.0, 0.5, 1.0], [0.1, 0.4, 0.9], [0.0, 0.3, 0.8], [0.2, 0.5, 1.0]]]
    detail = {"kind": "curve", "title": "t", "x_label": "x", "y_label": "y", "series": series, "diagonal": True}
    svg = chart(detail, "x")
    points = [tuple(map(float, point.split())) for point in re.search(r'class="line" d="M([^"]+)"', svg)[1].split("L")]  # type: ignore[index]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)
    assert 'class="diagonal"' in svg
    assert 'class="band"' in svg
    assert "s: from 0.100 at 0 to 0.900 at 1" in svg


def test_points_that_are_not_known_are_left_out() -> None:
    series = [["s", [0.0, 0.5, 1.0], [0.1, None, 0.9], [], []], ["t", [None], [0.3], [], []]]
    detail = {"kind": "curve", "title": "t", "x_label": "x", "y_label": "y", "series": series, "diagonal": False}
    svg = chart(detail, "x")
    assert svg.count('class="line"') == 1
    assert svg.count("L") == 1


@pytest.mark.parametrize(
    "detail",
    [
        {"kind": "bars", "title": "t", "unit": "u", "items": []},
        {"kind": "bars", "title": "t", "unit": "u", "items": [["a", None, None, None]]},
        {"kind": "bars", "title": "t", "unit": "u", "items": [["a", -1e308, None, 1e308]]},
        {"kind": "histogram", "title": "t", "labels": [], "reference": [], "current": []},
        {"kind": "histogram", "title": "t", "labels": ["a"], "reference": [0.0], "current": [None]},
        {"kind": "curve", "title": "t", "x_label": "", "y_label": "", "series": [], "diagonal": False},
        {"kind": "table", "title": "t", "columns": [], "types": [], "rows": []},
    ],
)
def test_nothing_to_draw_draws_nothing(detail: dict[str, Any]) -> None:
    assert chart(detail, "x") == ""


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 1e-300, 1e300, 0.1 + 0.2])
def test_a_single_value_can_be_drawn(value: float) -> None:
    svg = chart({"kind": "bars", "title": "t", "unit": "u", "items": [["a", value, value, value]]}, "x")
    assert "nan" not in svg
    assert "<text" in svg


def test_interval_lies_right_of_zero_when_it_pays() -> None:
    domain = interval_domain([gain(0.02, 0.01, 0.03), gain(-0.01, -0.02, 0.0)])
    assert domain[0] < -0.02
    assert domain[1] > 0.03
    svg = interval(gain(0.02, 0.01, 0.03), domain)
    zero, low = (float(x) for x in re.findall(r'd="M([\d.]+) ', svg))
    high, dot = float(re.search(r"14H([\d.]+)", svg)[1]), float(re.search(r'cx="([\d.]+)"', svg)[1])  # type: ignore[index]
    assert zero < low < dot < high
    assert dot == pytest.approx((low + high) / 2, abs=0.1)


def test_interval_axis_names_zero_and_is_in_points() -> None:
    axis = interval_axis((-0.02, 0.05), 100)
    assert ">0</text>" in axis
    assert ">+4</text>" in axis or ">+2</text>" in axis
    assert "−2" in axis


def test_interval_with_open_ends_and_no_spread() -> None:
    domain = interval_domain([gain(0.0, None, None)])
    assert "<circle" in interval(gain(0.0, None, None), domain)
    assert interval(gain(1e308, -1e308, 1e308), interval_domain([gain(1e308, -1e308, 1e308)])) == ""
