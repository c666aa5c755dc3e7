"""Two samples of censored times, many pairs of samples at once: weighted log-rank tests, survival curves, redraws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Fleming and Harrington's (rho, gamma), then weights by the number at risk; the last column is Pepe and Fleming's test.
WEIGHTS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
TESTS = ("log-rank", "Peto", "late", "middle", "Gehan", "Tarone-Ware", "Pepe-Fleming")


class Ordered(NamedTuple):
    """(draws, n) sorted times; `first` and `last` bound the ties of every row; at risk and events, all and current."""

    time: np.ndarray
    event: np.ndarray
    is_cur: np.ndarray
    first: np.ndarray
    at_risk: np.ndarray
    cur_at_risk: np.ndarray
    deaths: np.ndarray


def ordered(time: np.ndarray, event: np.ndarray, is_cur: np.ndarray) -> Ordered:
    """Sort every draw by time, at ties events first, and count who is at risk just before, ties together."""
    order = np.lexsort((~event, time), axis=1)
    time, event, is_cur = (np.take_along_axis(part, order, axis=1) for part in (time, event, is_cur))
    n = time.shape[1]
    place = np.arange(n)
    starts = np.ones(time.shape, dtype=bool)
    starts[:, 1:] = time[:, 1:] != time[:, :-1]
    first = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    ends = np.ones(time.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    last = np.minimum.accumulate(np.where(ends, place, n)[:, ::-1], axis=1)[:, ::-1]
    cur_left = np.cumsum(is_cur[:, ::-1], axis=1)[:, ::-1].astype(float)
    upto = np.concatenate([np.zeros((len(time), 1)), np.cumsum(event, axis=1)], axis=1)
    deaths = np.take_along_axis(upto, last + 1, 1) - np.take_along_axis(upto, first, 1)
    return Ordered(time, event, is_cur, first, n - first.astype(float), np.take_along_axis(cur_left, first, 1), deaths)


def statistics(data: Ordered) -> np.ndarray:
    """(draws, tests) standard normal statistics under equal survival; positive where current rows die earlier."""
    risk, cur, deaths = data.at_risk, data.cur_at_risk, data.deaths
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(data.event & (risk > deaths), np.log1p(-deaths / risk) / deaths, 0.0)
    step = np.where(data.event & (risk <= deaths), -50.0, step)
    before = np.concatenate([np.zeros((len(risk), 1)), np.cumsum(step, axis=1)], axis=1)
    survival = np.exp(np.take_along_axis(before, data.first, 1))
    pull = data.event * (data.is_cur - cur / risk)
    spread = data.event * cur * (risk - cur) / risk**2 * (risk - deaths) / np.maximum(risk - 1, 1)
    weights = [survival**rho * (1 - survival) ** gamma for rho, gamma in WEIGHTS]
    weights += [risk / risk.shape[1], np.sqrt(risk / risk.shape[1])]
    columns = [(weight * pull).sum(1) / np.sqrt(np.maximum((weight**2 * spread).sum(1), 1e-12)) for weight in weights]
    return np.column_stack([*columns, _area_test(data)])


def _area_test(data: Ordered) -> np.ndarray:
    """The difference of restricted mean survival over its standard error (Pepe and Fleming with weight 1)."""
    gaps, errors = [], []
    for group in (data.is_cur, ~data.is_cur):
        area, variance = restricted_mean(data, group)
        gaps.append(area)
        errors.append(variance)
    return (gaps[1] - gaps[0]) / np.sqrt(np.maximum(errors[0] + errors[1], 1e-12 * (1 + gaps[0] ** 2)))


def horizon(data: Ordered) -> np.ndarray:
    """(draws, 1) the last time at which both samples have someone at risk."""
    ends = [np.where(group, data.time, -np.inf).max(axis=1) for group in (data.is_cur, ~data.is_cur)]
    return np.minimum(*ends)[:, None]


def restricted_mean(data: Ordered, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Area under the survival curve of a group up to `horizon`, and its variance (Greenwood), a value a draw."""
    until = horizon(data)
    event = data.event & group & (data.time <= until)
    # ties one after the other: (1 - 1/Y)(1 - 1/(Y - 1)) is (1 - 2/Y)
    later = np.cumsum(group[:, ::-1], axis=1)[:, ::-1]
    with np.errstate(divide="ignore"):
        factor = np.where(event, 1 - 1 / np.maximum(later, 1), 1.0)
    survival = np.cumprod(factor, axis=1)
    clipped = np.minimum(data.time, until)
    widths = np.diff(np.concatenate([clipped, until], axis=1), axis=1)
    pieces = survival * widths
    area = clipped[:, 0] + pieces.sum(axis=1)
    rest = np.cumsum(pieces[:, ::-1], axis=1)[:, ::-1]
    share = np.where(event & (later > 1), 1 / (np.maximum(later, 1) * np.maximum(later - 1, 1)), 0.0)
    return area, (rest**2 * share).sum(axis=1)


def kaplan_meier(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct event times and the probability of each; what is never seen to happen is left as missing mass."""
    order = np.lexsort((~event, time))
    time, event = time[order], event[order]
    survival = np.cumprod(np.where(event, 1 - 1 / np.arange(len(time), 0, -1), 1.0))
    mass = -np.diff(np.concatenate([[1.0], survival]))
    return time[event], mass[event]


def redraw(time: np.ndarray, event: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Times from the Kaplan-Meier curve; infinite where the curve does not say when."""
    values, mass = kaplan_meier(time, event)
    upto = np.append(np.cumsum(mass), 1.0)
    return np.append(values, np.inf)[np.searchsorted(upto, rng.random(shape), side="right").clip(max=len(values))]
