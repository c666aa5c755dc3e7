"""A row per measurement of a model on an item: ranks from sparse results, and the best against the rest in pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.load import InputError
from holdfast.estimation.paired_bootstrap import PairedBootstrap
from holdfast.ops.multiple_testing import holm
from holdfast.ops.ranking import rank
from holdfast.scaling.columns import numbers

PRIOR = 0.1
MOST = 2000  # models


def compare_long(frame: pl.DataFrame, model: str, item: str, score: str, seed: int) -> dict[str, Any]:
    """Utilities with intervals, the measured share, the mean score, and paired tests of the best against the rest."""
    scores = numbers(frame, score)
    keep = np.isfinite(scores) & frame[model].is_not_null().to_numpy() & frame[item].is_not_null().to_numpy()
    notes = [f"{int((~keep).sum())} of {len(keep)} rows left out: an empty cell."] if not keep.all() else []
    kept = frame.filter(pl.Series(keep))
    scores = scores[keep]
    (models, who), (items, what) = (_codes(kept[name]) for name in (model, item))
    if len(models) < 2 or len(items) < 2:
        raise InputError(f"the table holds {len(models)} model(s) on {len(items)} item(s); expected two of both.")
    if len(models) > MOST:
        raise InputError(f"the table holds {len(models):,} models; expected at most {MOST:,}. Compare a part of them.")
    found = rank(who, what, scores, PRIOR)
    if found.items < 2:
        raise InputError("the models never differ on a shared item: there is nothing to rank them by.")
    errors = 1.645 * np.sqrt(np.diag(found.covariance))
    averages = np.bincount(who, scores) / np.bincount(who)
    measured = [len(np.unique(what[who == place])) for place in range(len(models))]
    order = np.argsort(-found.utilities, kind="stable")
    ranks = _rank_ranges(found.utilities, found.covariance)
    rows = [
        {
            "model": models[place],
            "utility": {
                "value": float(found.utilities[place]),
                "low": float(found.utilities[place] - errors[place]),
                "high": float(found.utilities[place] + errors[place]),
            },
            "rank": position + 1,
            "rank_range": [int(ranks[0][place]), int(ranks[1][place])],
            "mean_score": float(averages[place]),
            "items": int(measured[place]),
        }
        for position, place in enumerate(order)
    ]
    share = len({*zip(who.tolist(), what.tolist(), strict=True)}) / (len(models) * len(items))
    pairs = _pairs(order, models, who, what, scores, seed, notes)
    return {"kind": "long", "models": rows, "items": len(items), "measured": share, "pairs": pairs, "notes": notes}


def _codes(column: pl.Series) -> tuple[list[str], np.ndarray]:
    names, codes = np.unique(column.cast(pl.Utf8).to_numpy().astype(str), return_inverse=True)
    return [str(name) for name in names], codes


def _rank_ranges(utilities: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best and worst rank of every model that 90 % intervals of the differences leave open."""
    spread = np.diag(covariance)
    errors = 1.645 * np.sqrt(np.maximum(spread[:, None] + spread[None, :] - 2 * covariance, 0))
    gaps = utilities[None, :] - utilities[:, None]  # how far column j stands above row i
    np.fill_diagonal(gaps, -np.inf)
    best = 1 + (gaps > errors).sum(axis=1)
    np.fill_diagonal(gaps, np.inf)
    worst = len(utilities) - (gaps < -errors).sum(axis=1)
    return best, worst


def _pairs(
    order: np.ndarray, models: list[str], who: np.ndarray, what: np.ndarray, scores: np.ndarray, seed: int,
    notes: list[str],
) -> list[dict[str, Any]]:  # fmt: skip
    """The first in rank against every other on the items both were measured on, with Holm's correction."""
    if not np.isin(scores, (0, 1)).all():
        notes.append("Scores are not right or wrong: no paired tests of accuracy.")
        return []
    best = int(order[0])
    sheets = {place: dict(zip(what[who == place].tolist(), scores[who == place], strict=True)) for place in order}
    found = []
    for place in order[1:]:
        shared = sorted(sheets[best].keys() & sheets[int(place)].keys())
        if len(shared) < 5:
            notes.append(f"{models[place]!r} shares {len(shared)} items with the first; no paired test.")
            continue
        first, second = (np.array([sheets[one][item] for item in shared]) == 1 for one in (int(place), best))
        gain = PairedBootstrap(seed=seed).measure(first, second)
        found.append({
            "model": models[place], "shared": len(shared), "p": gain.pvalue,
            "gain": {"value": gain.value, "low": gain.low, "high": gain.high},
        })  # fmt: skip
    for row, adjusted in zip(found, holm(np.array([row["p"] for row in found])) if found else [], strict=True):
        row["p_holm"] = float(adjusted)
    return found
