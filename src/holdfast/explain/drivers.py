"""What drives a change: slices and rows whose loss is higher than training rows of the same kind make it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from holdfast.audit.check import NotApplicable
from holdfast.audit.checks.relation_change import RelationChange
from holdfast.audit.fitting import out_of_fold
from holdfast.audit.models import ProbeModel
from holdfast.audit.probes import Probes
from holdfast.audit.records import Detail
from holdfast.audit.slicing import LEAST_ROWS, slicing_of
from holdfast.core import Estimate
from holdfast.slices import WeakSlices

MOST_RELATIONS = 6


class Relation(NamedTuple):
    """What the audit's check of changed relations (DRI004) says, and its charts."""

    summary: str
    details: tuple[Detail, ...]


class Drivers(NamedTuple):
    """`excess` is the loss of every test row beyond what training rows of its kind have; `rows` are the worst first.

    `slices` are (rule, rows, how much higher the excess is inside than outside).
    """

    excess: np.ndarray
    rows: np.ndarray
    slices: list[tuple[str, int, Estimate]]
    relation: Relation


def find_drivers(facts: Probes) -> Drivers:
    """The excess loss, the slices where it is high, the rows where it is highest, and the relations that changed."""
    excess = facts["test_loss"] - _expected_loss(facts)
    order = np.argsort(-excess, kind="stable")
    return Drivers(excess, order[excess[order] > 0], _slices(facts, excess), _relation(facts))


def _expected_loss(facts: Probes) -> np.ndarray:
    """(m,) the loss that training rows like each test row have, by a model of the out-of-fold training loss.

    Its slope is corrected by what it predicts of training losses out of fold: a loss that the features do not explain
    is the same everywhere.
    """
    encoder, seed = facts["common_encoder"], facts["settings"].seed
    model = ProbeModel(0, tuple(encoder.is_categorical))
    inputs, loss = facts["ref_X"], facts["train_loss"]
    left_out = out_of_fold(model, inputs, loss, facts["folds"], seed)
    centred = left_out - left_out.mean()
    spread = float(centred @ centred)
    slope = float(np.clip(centred @ loss / spread, 0.0, 1.0)) if spread > 1e-12 else 0.0
    predicted = model.fit(inputs, loss, None, seed).predict(facts["cur_X"])
    return np.asarray(loss.mean() + slope * (predicted - left_out.mean()))


def _slices(facts: Probes, excess: np.ndarray) -> list[tuple[str, int, Estimate]]:
    settings, slicing = facts["settings"], slicing_of(facts["features"], facts["common_encoder"])
    if len(excess) < LEAST_ROWS or not slicing.places:
        return []
    finder = WeakSlices(seed=settings.seed, level=settings.level, unordered=slicing.unordered)
    finder.group_rows(X=slicing.shown(facts["cur_X"]), loss=excess, columns=slicing.names)
    found = zip(slicing.rules(finder), finder.slices_, strict=True)
    return [(rule, int(size), effect) for rule, (_, size, effect, _) in found]


def _relation(facts: Probes) -> Relation:
    try:
        finding = RelationChange().run(**facts.of(RelationChange().run))
    except NotApplicable as problem:
        return Relation(f"Not looked at: {problem}.", ())
    return Relation(finding.summary, finding.details[:MOST_RELATIONS])
