"""Slices of the production rows that a search finds: rules under which performance is estimated to be worse.

Half of the labelled rows teach a model how large the loss is; what it foresees of the production rows is searched
(`slices.WeakSlices`). A slice is judged by the estimator that planting chose, which learns from the other half alone,
whose labels the search has not seen: a slice that chance in the labels made is not borne out there. Of that half it
learns from the rows of the slice itself where they are enough, because what makes a slice weak is often that the model
does not know that it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from holdfast.audit.encode import Encoder
from holdfast.audit.fitting import make_folds, row_loss, tied_rows
from holdfast.audit.models import ProbeModel
from holdfast.audit.probes import Probes
from holdfast.audit.records import ColumnRecord
from holdfast.audit.slicing import Slicing, slicing_of
from holdfast.slices import WeakSlices

LEAST_TRAIN, LEAST_PRODUCTION = 200, 200  # rows; with fewer, halves say nothing
MOST = 5  # slices
LEVEL = 0.05  # of all slices together


class Slice(NamedTuple):
    """A rule, and the rows of both sets that it holds: rows held of production, places among training rows.

    `size` is how many rows of all it holds, if more than those held.
    """

    label: str
    rows: np.ndarray
    train: np.ndarray
    size: int | None = None


class Rules(NamedTuple):
    """What the slices of a search are, for any rows with the same columns."""

    features: tuple[ColumnRecord, ...]
    encoder: Encoder
    slicing: Slicing
    finder: WeakSlices

    def masks(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) the slices that hold every row, slice j being the bit j."""
        cells = frame.select([column.name for column in self.features])
        members = self.finder.members(self.slicing.shown(self.encoder.encode(cells)))[:, :MOST]
        return members @ (1 << np.arange(members.shape[1]))


class Sought(NamedTuple):
    """The slices, the places among the training rows whose labels the search has not seen, and the rules."""

    slices: list[Slice]
    unseen: np.ndarray
    rules: Rules | None = None


def seek_slices(facts: Probes) -> Sought:
    """Slices of the production rows where the foreseen loss is high; none where there are too few rows or columns."""
    nothing = Sought([], np.arange(len(facts["train_rows"])))
    slicing = slicing_of(facts["features"], facts["encoder"])
    enough = len(facts["train_rows"]) >= LEAST_TRAIN and len(facts["test_rows"]) >= LEAST_PRODUCTION
    if not enough or not slicing.places:
        return nothing
    seed, ties = facts["settings"].seed, tied_rows(facts["train_embedding"], facts["train_group"])
    half = make_folds(facts["train_y"], ties, 2, seed)
    foreseen = _foreseen(facts, np.flatnonzero(half == 0), seed)
    finder = WeakSlices(slices=MOST, level=LEVEL, unordered=slicing.unordered, seed=seed)
    shown = slicing.shown(facts["test_X"])
    finder.group_rows(X=shown, loss=foreseen, columns=slicing.names)
    theirs, ours = finder.members(shown), finder.members(slicing.shown(facts["train_X"]))
    slices = [
        Slice(rule, facts["test_rows"][theirs[:, place]], np.flatnonzero(ours[:, place]))
        for place, rule in enumerate(slicing.rules(finder)[:MOST])
    ]
    return Sought(slices, np.flatnonzero(half == 1), Rules(facts["features"], facts["encoder"], slicing, finder))


def simultaneous(count: int) -> float:
    """How much wider the intervals of so many slices are made, that all of them hold together as one would.

    >>> round(simultaneous(1), 2), round(simultaneous(5), 2)  # the normal quantiles at .95 and .99
    (1.0, 1.41)
    """
    from scipy.special import ndtri

    return float(ndtri(1 - LEVEL / count) / ndtri(1 - LEVEL))


def _foreseen(facts: Probes, learnt: np.ndarray, seed: int) -> np.ndarray:
    """(m,) the loss of every production row, as losses of the training rows at `learnt` tell."""
    model = ProbeModel(0, (*facts["encoder"].is_categorical, False))
    loss = row_loss(facts["train_predicted"][learnt], facts["train_y"][learnt], facts["task"])
    fitted = model.fit(_told(facts, "train")[learnt], loss, None, seed)
    return np.asarray(fitted.predict(_told(facts, "test")))


def _told(facts: Probes, name: str) -> np.ndarray:
    """What the loss may depend on: the columns, and how sure the model is (a number that it predicts)."""
    predicted = facts[f"{name}_predicted"]
    return np.column_stack([facts[f"{name}_X"], predicted.max(axis=1) if predicted.ndim == 2 else predicted])
