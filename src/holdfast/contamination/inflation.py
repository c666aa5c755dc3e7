"""The verb of `holdfast corpus inflation`: is the score of a benchmark higher than what the model can do?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from holdfast.audit.load.errors import InputError
from holdfast.core import Estimate
from holdfast.corpus.run_tables import read_table
from holdfast.ops.multiple_testing import holm
from holdfast.report.tables import Tables

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LEVEL = 0.05
NEEDED = {
    "holdout": "`holdout` (1 for items that nobody could train on)",
    "reworded": "`reworded` (right or wrong when asked in other words; more columns: reworded_2, ...)",
    "date": "`date` (when the item was published)",
    "log_likelihood": "`model`, `holdout` and `log_likelihood` (per character) of four models or more",
}


class Tested(NamedTuple):
    """One test of one model (of all, where `model` is empty), and what its value is."""

    test: str
    model: str
    meaning: str
    estimate: Estimate


def inflation(
    results: str | Path | pl.DataFrame | Mapping[str, ArrayLike],
    *,
    cutoff: str | float | None = None,
    covariates: Sequence[str] = (),
    seed: int = 0,
) -> Tables:
    """Test from right and wrong answers alone whether a benchmark's score is inflated.

    Parameters
    ----------
    results
        A row an item and model, with `correct` (0 or 1) and what is at hand of: `model`; `item` (its name or number,
        the same for all models); `holdout`, 1 for items written later that nobody could train on; `reworded`,
        `reworded_2`, ..., whether the item was solved in other words; `date` (2023-10-31, or a number) and
        `popularity`; `text` of the item; `log_likelihood` per character.
    cutoff
        When training ended: a date like the column's. By default the median date.
    covariates
        Columns that say how hard an item is, for the test of dates.

    Returns
    -------
    Tables
        `tests`: every test with estimate, p-value, and the p-value adjusted for all (Holm), model by model. Where there
        is a holdout and `text`, `holdout` says whether it can be told from the public items: its gaps then mean little.
    """
    frame = read_table(results, "results")
    _check(frame)
    found = [test for name, part in _models(frame) for test in _of_model(name, part, cutoff, covariates)]
    found += _mirror_gap(frame)
    if not found:
        raise InputError("nothing can be tested: beside `correct`, give " + ", or ".join(NEEDED.values()) + ".")
    adjusted = holm(np.array([one.estimate.pvalue for one in found]))
    return Tables(_record(found, adjusted, _told_apart(frame, seed), len(frame)))


def _check(frame: pl.DataFrame) -> None:
    if "correct" not in frame.columns:
        raise InputError(f"no column `correct` (0 or 1). There are: {', '.join(frame.columns[:20])}.")
    for name in frame.columns:
        if name in ("correct", "holdout") or name.startswith("reworded"):
            _mask(frame, name)


def _mask(frame: pl.DataFrame, name: str) -> np.ndarray:
    values = _numbers(frame, name)
    if not np.isin(values, (0, 1)).all():
        row = int(np.flatnonzero(~np.isin(values, (0, 1)))[0])
        raise InputError(f"column `{name}`, row {row + 1}: {frame[name][row]!r}; expected 0 or 1, or true or false.")
    return values.astype(bool)


def _numbers(frame: pl.DataFrame, name: str) -> np.ndarray:
    column = frame[name]
    if column.dtype == pl.String:
        column = column.str.to_lowercase().replace({"true": "1", "false": "0"})
    return column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()


def _models(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    if "model" not in frame.columns:
        yield "", frame
        return
    for (name,), part in frame.group_by("model", maintain_order=True):
        yield str(name), part


def _of_model(
    model: str, part: pl.DataFrame, cutoff: str | float | None, covariates: Sequence[str]
) -> Iterator[Tested]:  # fmt: skip
    """What the columns allow to be tested of one model."""
    from holdfast.leakage import BenchmarkInflation, ChameleonTest, ReleaseDateTest

    correct = _mask(part, "correct")
    held = _mask(part, "holdout") if "holdout" in part.columns else np.zeros(len(part), dtype=bool)
    if 0 < held.sum() < len(held):
        found = BenchmarkInflation().measure(ref_correct=correct[~held], cur_correct=correct[held])
        yield Tested("public against holdout", model, "accuracy lost on the holdout", found)
    runs = [_mask(part, name)[~held] for name in part.columns if name.startswith("reworded")]
    if runs:
        found = ChameleonTest().measure(correct=correct[~held], correct_runs=np.array(runs))
        yield Tested("asked in other words", model, "accuracy lost by rewording", found)
    if "date" not in part.columns:
        return
    given: dict[str, Any] = {"correct": correct, "release_date": _dates(part)}
    if covariates:
        given["covariates"] = np.column_stack([_finite(part, name) for name in covariates])
    end = None if cutoff is None else _as_date(cutoff)
    yield Tested(
        "success falls at the cutoff", model, "log odds lost at the cutoff",
        _asked(lambda: ReleaseDateTest(cutoff=end).measure(**given)),
    )  # fmt: skip
    if "popularity" in part.columns:
        test = ReleaseDateTest(of="popularity", cutoff=end)
        popular = _finite(part, "popularity")
        yield Tested(
            "popularity stops to help at the cutoff", model, "log odds a standard deviation",
            _asked(lambda: test.measure(**given, popularity=popular)),
        )  # fmt: skip


def _asked(call: Callable[[], Estimate]) -> Estimate:
    try:
        return call()
    except ValueError as problem:
        raise InputError(str(problem)) from None


def _finite(part: pl.DataFrame, name: str) -> np.ndarray:
    if name not in part.columns:
        raise InputError(f"no column `{name}`. There are: {', '.join(part.columns[:20])}.")
    values = _numbers(part, name)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InputError(f"column `{name}`: {part[name][row]!r} is no number.")
    return values


def _dates(part: pl.DataFrame) -> np.ndarray:
    if part["date"].dtype.is_numeric():
        return _finite(part, "date")
    return np.array([_as_date(value) for value in part["date"].to_list()])


def _as_date(value: Any) -> float:
    """A date as a number of days, or the number that it is."""
    if isinstance(value, date):
        return float(value.toordinal())
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        return float(date.fromisoformat(str(value).strip()[:10]).toordinal())
    except ValueError:
        raise InputError(f"{value!r} is no date; expected one like 2023-10-31, or a number.") from None


def _mirror_gap(frame: pl.DataFrame) -> list[Tested]:
    """Whether models that find the public items likelier lose more on the holdout; empty with fewer than four."""
    from holdfast.leakage import MirrorGap

    if not {"model", "holdout", "log_likelihood"} <= set(frame.columns):
        return []
    sides: list[list[np.ndarray]] = [[], []]
    likely = []
    for name, part in _models(frame):
        held, correct = _mask(part, "holdout"), _mask(part, "correct")
        if not 0 < held.sum() < len(held):
            raise InputError(f"model {name}: no items on one side of `holdout`.")
        for side, rows in zip(sides, (~held, held), strict=True):
            side.append(correct[rows])
        likely.append(float(_finite(part, "log_likelihood")[~held].mean()))
    if len(likely) < 4:
        return []
    for side in sides:
        if len({len(rows) for rows in side}) > 1:
            raise InputError("models have answered different numbers of items: give every model the same ones.")
    found = MirrorGap().measure(np.array(sides[0]), np.array(sides[1]), np.array(likely))
    return [Tested("likelier, and more lost on the holdout", "", "rank correlation over models", found)]


def _told_apart(frame: pl.DataFrame, seed: int) -> Estimate | None:
    """Whether a classifier tells the holdout's texts from the public ones."""
    from holdfast.leakage import IndistinguishableHoldout
    from holdfast.ops.text_features import embedded, hashed_counts, rarity

    if not {"holdout", "text"} <= set(frame.columns):
        return None
    items = frame.unique(subset=["text", "holdout"], maintain_order=True)
    held = _mask(items, "holdout")
    if min(held.sum(), (~held).sum()) < IndistinguishableHoldout().folds:
        return None
    counts = hashed_counts([str(text or "") for text in items["text"]], 1 << 16)
    weights = rarity(np.asarray((counts > 0).sum(axis=0)).ravel(), len(items))
    X = embedded(counts, weights, 64, seed)
    return IndistinguishableHoldout(seed=seed).measure(ref_X=X[~held], cur_X=X[held])


def _record(found: list[Tested], adjusted: np.ndarray, told: Estimate | None, rows: int) -> dict[str, Any]:
    by_test = [
        {"test": one.test, "model": one.model, "meaning": one.meaning, **one.estimate._asdict(), "adjusted": float(p)}
        for one, p in zip(found, adjusted, strict=True)
    ]
    said = [row for row in by_test if row["adjusted"] < LEVEL]
    names = dict.fromkeys(f"{row['test']}{' (' + row['model'] + ')' if row['model'] else ''}" for row in said)
    verdict = (
        f"The score is inflated: {'; '.join(names)} (p < {LEVEL} after Holm's correction)."
        if said
        else f"No test finds the score inflated (smallest adjusted p = {adjusted.min():.2g})."
    )
    notes = ["A gap says nothing where the holdout, the rewordings or the later items are harder by themselves."]
    if told is not None and (told.pvalue or 1.0) < LEVEL:
        notes.append(
            f"The holdout can be told from the public items by its words (balanced accuracy {told.value:.2f}, p = "
            f"{told.pvalue:.2g}): it is of another kind, and a gap between them means little."
        )
    elif told is not None:
        notes.append(f"By its words the holdout cannot be told from the public items (p = {told.pvalue:.2g}).")
    table = {
        "title": f"Tests on {rows:,} answers",
        "head": ["test", "model", "what", "estimate", "p", "p adjusted"],
        "rows": [
            [row["test"], row["model"], row["meaning"], row, row["pvalue"], row["adjusted"]] for row in by_test
        ],
    }  # fmt: skip
    return {
        "schema": "holdfast/inflation/1", "verdict": verdict, "tests": by_test,
        "holdout": None if told is None else told._asdict(), "tables": [table], "notes": notes,
    }  # fmt: skip
