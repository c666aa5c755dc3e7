"""The verb `holdfast.corpus.mix(...)`: from finished runs the best proportions, how sure that is, what to run next.

Rounds of a training in progress are for Aioli (`rounds`), sizes without any run for a plan (`mix_plan`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from holdfast.core import Estimate
from holdfast.corpus.run_tables import DROP, Runs, natural_of, read_runs
from holdfast.corpus.sources import wrong
from holdfast.mixing._search import conformal_reach, folds, inside
from holdfast.report.tables import Tables

LEVEL = 0.9
FOLDS = 5
METHODS = ("process", "trees", "line", "law")
NAMES = {
    "process": "a Gaussian process", "trees": "boosted trees (RegMix)", "line": "a line (RegMix)",
    "law": "exponential laws of every loss",
}  # fmt: skip
LEAST = 10  # runs
SLOW = 1500  # runs from which the process, cubic in them, is left out unless it is asked for


class _Judged(NamedTuple):
    """What a method says of runs that it has not seen: prediction, low, high."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def error(self, seen: np.ndarray) -> float:
        return float(np.sqrt(np.mean((self.value - seen) ** 2)))

    def held(self, seen: np.ndarray) -> int:
        return int(((self.low <= seen) & (seen <= self.high)).sum())

    def widening(self, seen: np.ndarray) -> float:
        """What intervals must be multiplied by to hold 90 % of these runs and the next one; 1 where they do already."""
        half = np.maximum((self.high - self.low) / 2, 1e-300)
        return max(1.0, conformal_reach((self.value - seen) / half, LEVEL))


def mix(
    runs: str | Path | pl.DataFrame | Mapping[str, Any] | None = None,
    losses: str | Path | pl.DataFrame | Mapping[str, Any] | None = None,
    *,
    groups: Sequence[str] = (),
    loss: Sequence[str] = (),
    sizes: Mapping[str, float] | None = None,
    budget: float | None = None,
    wanted: Sequence[str] = (),
    quality: Mapping[str, float] | None = None,
    method: str = "auto",
    seed: int = 0,
) -> Tables:
    """From a table of runs (a row each) the best proportions, with intervals, and what to run next.

    Without runs, from `sizes` alone, what every rule that needs none would mix: see `plan_mix`.

    Parameters
    ----------
    runs, losses
        A table with the share of every group in every run and the loss or losses that it ended with; the losses may
        stand in a table of their own, with the rows in the same order or with a column `index` in both.
    groups, loss
        The columns. By default losses are the columns whose name says so, and groups the columns of shares that sum
        to 1. Where several losses are given, their mean is made small.
    sizes
        The natural amount of every group (tokens): the search is drawn around these shares, and they are what the best
        mixture is compared with. By default the mean share over the runs.
    budget, wanted, quality
        Of plans without runs: see `plan_mix`.
    method
        process, trees, line, law, or auto: whichever predicts runs best that it has not seen. Or aioli: the rows are
        short rounds of one training, and losses are by how much the loss of every group fell in each (columns whose
        name says drop); `sizes` are then the proportions in use now.

    Returns
    -------
    Tables
        `proportions` (best, low, high, natural, next run of every group), `prediction` (loss of the best and of the
        natural mixture), `coverage` (how many left-out runs fell into their 90 % interval; where those are fewer than
        90 %, intervals are `widened` until they are not), `methods` (errors on left-out runs). The same folds choose
        the method and count the coverage: both are a little kind to it. With aioli: `proportions` (best, low, high,
        natural, next), `law` (influence, its errors, fidelity).

    Raises `InputError` for tables, columns, sizes and methods that cannot be used.
    """
    if method not in ("auto", *METHODS, "aioli"):
        raise wrong(f"method {method!r}: expected auto or one of {', '.join(METHODS)}, aioli.")
    if runs is None:
        return _planned(sizes, budget, wanted, quality, method)
    if budget is not None or wanted or quality:
        raise wrong("budget, wanted and quality are for a plan without runs, or for rules that proxies try (--rules).")
    if method == "aioli":
        from holdfast.corpus.rounds import mix_rounds

        return mix_rounds(read_runs(runs, losses, groups, loss, DROP), sizes, seed)
    table = read_runs(runs, losses, groups, loss)
    count = len(table.proportions)
    if count < LEAST:
        raise wrong(
            f"{count} runs; expected at least {LEAST}: less cannot be left out to see how good predictions are."
        )
    natural = natural_of(table, sizes)
    tried = [method] if method != "auto" else [one for one in METHODS if one != "process" or count <= SLOW]
    fold = folds(count, FOLDS, np.random.default_rng(seed))
    judged = {name: _left_out(name, table, fold, seed) for name in tried}
    seen = table.losses.mean(axis=1)
    chosen = min(judged, key=lambda name: judged[name].error(seen))
    mixer = _fitted(chosen, table, np.arange(count), seed)
    best = mixer.mix_groups(sizes=natural)
    surface = mixer
    if chosen != "process" and count <= SLOW:  # its intervals of proportions were measured to hold, those of folds not
        surface = _fitted("process", table, np.arange(count), seed)
        surface.mix_groups(sizes=natural)
    low, high = np.minimum(surface.low_, best), np.maximum(surface.high_, best)
    held, wider = judged[chosen].held(seen), judged[chosen].widening(seen)
    found = {
        "proportions": [
            {"group": name, "best": float(best[at]), "low": float(low[at]), "high": float(high[at]),
             "natural": float(natural[at]), "next": float(surface.next_run_[at])}
            for at, name in enumerate(table.groups)
        ],
        "prediction": {
            "best": _at(mixer, best, count, wider), "natural": _at(mixer, natural, count, wider),
            "runs": float(seen.min()),
        },
        "coverage": {"runs": count, "held": held, "share": held / count, "level": LEVEL, "widened": wider},
        "methods": {name: {"error": said.error(seen), "held": said.held(seen)} for name, said in judged.items()},
        "method": chosen,
        "losses": table.names,
    }  # fmt: skip
    return Tables(_record(found, float(seen.std()), inside(best, table.proportions), table.notes))


def _planned(sizes: Any, budget: float | None, wanted: Sequence[str], quality: Any, method: str) -> Tables:
    from holdfast.corpus.mix_plan import plan_mix

    if not sizes:
        raise wrong("nothing to go by: name a table of runs, or the sizes of the groups (--size web=2e9 --size ...).")
    if method != "auto":
        raise wrong(f"the method {method} needs a table of runs: name one, or leave the method out for a plan.")
    return plan_mix(sizes, budget, wanted=wanted, quality=quality)


def _fitted(name: str, table: Runs, rows: np.ndarray, seed: int) -> Any:
    from holdfast.mixing import BayesianMix, MixingLaw, RegMix

    shares, losses = table.proportions[rows], table.losses[rows]
    parts = min(5, len(rows) // 2)
    if name == "law":
        return MixingLaw(folds=parts, seed=seed).fit(proportions=shares, run_group_losses=losses)
    if name == "process":
        return BayesianMix(seed=seed).fit(proportions=shares, run_losses=losses.mean(axis=1))
    return RegMix(regressor="boosting" if name == "trees" else "linear", folds=parts, seed=seed).fit(
        proportions=shares, run_losses=losses.mean(axis=1)
    )


def _left_out(name: str, table: Runs, fold: np.ndarray, seed: int) -> _Judged:
    """Every run as predicted by a fit that has not seen it."""
    said = np.empty((3, len(fold)))
    for part in range(FOLDS):
        mixer = _fitted(name, table, np.flatnonzero(fold != part), seed)
        said[:, fold == part] = mixer.predict(table.proportions[fold == part])
    return _Judged(*said)


def _at(mixer: Any, mixture: np.ndarray, count: int, wider: float) -> dict[str, Any]:
    value, low, high = (float(part[0]) for part in mixer.predict(mixture[None]))
    return Estimate(value, value - wider * (value - low), value + wider * (high - value), count)._asdict()


def _record(found: dict[str, Any], spread: float, reached: bool, notes: list[str]) -> dict[str, Any]:
    best, natural = found["prediction"]["best"], found["prediction"]["natural"]
    top = sorted(found["proportions"], key=lambda row: -row["best"])[:3]
    held, count, wider = (found["coverage"][key] for key in ("held", "runs", "widened"))
    error = found["methods"][found["method"]]["error"]
    leading = ", ".join(f"{row['best']:.0%} {row['group']}" for row in top)
    gain = (
        f"predicted loss {best['value']:.4g} ({best['low']:.4g} to {best['high']:.4g}), natural mixture "
        f"{natural['value']:.4g}"
    )
    tables = [
        {
            "title": "Proportions",
            "head": ["group", "best", "natural", "next run"],
            "rows": [
                [
                    row["group"],
                    {key: round(row[name], 4) for key, name in (("value", "best"), ("low", "low"), ("high", "high"))},
                    round(row["natural"], 4),
                    round(row["next"], 4),
                ]
                for row in sorted(found["proportions"], key=lambda row: -row["best"])
            ],
        },
        {
            "title": "Runs left out",
            "head": ["method", "error", "inside the 90 % interval"],
            "rows": [
                [NAMES[name], about["error"], f"{about['held']} of {count}"] for name, about in found["methods"].items()
            ],
        },
    ]
    said = [
        f"{held} of {count} left-out runs fell into their 90 % interval, predicted by {NAMES[found['method']]} with an "
        f"error of {error:.3g} (losses spread by {spread:.3g}).",
        *([f"Intervals of losses were widened {wider:.2f} times, so that 90 % of them do."] if wider > 1 else []),
        "The intervals of the proportions are the best mixtures of surfaces drawn from a Gaussian process: a flat loss "
        "makes them wide. On the published RegMix runs they held 91 % of the best shares.",
    ]
    if error > 0.7 * spread:
        said.append("Predictions are hardly better than the mean loss: the proportions are little more than a guess.")
    if not reached:
        said.append(
            "The best mixture lies outside the shares that any run has tried: make the next run before trusting it."
        )
    return {
        "schema": "holdfast/mix/1", "verdict": f"Mix {leading}, ...: {gain}.", **found, "tables": tables,
        "notes": [*said, *notes],
    }  # fmt: skip
