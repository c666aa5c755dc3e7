"""DRI002: the sets can be told apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.choice import Choice, ask, said_of
from holdfast.audit.encode import Encoder
from holdfast.audit.evidence import without_gaps, worst_rows
from holdfast.audit.load import DataSet
from holdfast.audit.records import Bars, Finding, Remedy
from holdfast.audit.settings import Settings
from holdfast.audit.supply import Supply
from holdfast.audit.words import pvalue
from holdfast.ops.density_ratio import effective_sample_size
from holdfast.shift import ClassifierTwoSample
from holdfast.weighting import LogisticRatio

LEAST_ROWS = 4  # of each set, some to fit and some to score
WORTH = 0.52  # AUROC


class JointDrift(Check):
    """A classifier is asked to tell unseen test rows from unseen training rows: sees what no single column shows."""

    code = "DRI002"
    title = "test rows that can be told from training rows"
    methods = ("shift.ClassifierTwoSample", "weighting.LogisticRatio")
    fits = True
    faults = (
        "ColumnShift", "ExponentialTilt", "SubpopulationShift",
        "ImageBrightness", "ImageContrast", "ImageNoise", "ImageBlur", "ImagePixelation", "ImageRotation",
    )  # fmt: skip
    false_when_dealt = True

    def run(
        self, ref_X: np.ndarray, cur_X: np.ndarray, ref_embedding: np.ndarray, cur_embedding: np.ndarray,
        common_encoder: Encoder, train_rows: np.ndarray, test_rows: np.ndarray, test_set: DataSet, settings: Settings,
        facts: Any = None,
    ) -> Finding:  # fmt: skip
        if min(len(ref_X), len(cur_X)) < LEAST_ROWS:
            raise NotApplicable(f"at least {LEAST_ROWS} rows of each set are needed to tell them apart")
        method = ClassifierTwoSample(seed=settings.seed, explain=True)
        ref_X, cur_X = without_gaps(ref_X, cur_X)
        area = method.measure(ref_X=ref_X, cur_X=cur_X)
        parts = {"estimate": area, "unit": "AUROC of a classifier between the sets (0.5 = alike)"}
        choice = settings.chosen.get("rows")
        if choice and choice.method != "shift.ClassifierTwoSample":  # it decides; the classifier explains
            decides = ask(choice, Supply(facts, "train"), {"seed": settings.seed})
            is_apart = decides.pvalue is not None and decides.pvalue < settings.level
        else:
            decides = area
            is_apart = area.pvalue is not None and area.pvalue < settings.level and area.value >= WORTH
        if not is_apart:
            who = "A classifier" if decides is area else "The test chosen by planting"
            cleared = self.clear(
                f"{who} cannot tell the sets apart (AUROC {area.value:.3f}, {pvalue(decides.pvalue)}).", **parts
            )
            return said_of(cleared, choice)
        order = np.argsort(-method.importances_)[:8]
        shown = tuple((common_encoder.names[i], float(max(method.importances_[i], 0.0)), None, None) for i in order)
        names = list(dict.fromkeys(common_encoder.names))
        weigher = settings.chosen.get("weighting")
        remedies, about_weights = _reweighting(ref_embedding, cur_embedding, train_rows, weigher, facts, settings)
        finding = self.found(
            f"A classifier tells test rows from training rows (AUROC {area.value:.3f})."
            if decides is area
            else f"Test rows differ from training rows ({pvalue(decides.pvalue)}; AUROC of a classifier "
            f"{area.value:.3f}).",
            because=(
                f"AUROC {area.value:.3f} ({area.low:.3f} to {area.high:.3f}), {pvalue(area.pvalue)}.",
                about_weights,
            ),
            rows=worst_rows("test", test_set.frame, test_rows, method.cur_domain_, names, 20),
            details=(Bars("AUROC lost when a column is shuffled", "points", shown),),
            remedies=remedies,
            what_to_do="See which columns give the sets away. If only the mix of rows changed, weights may help; if "
            "units or coding changed, repair the source.",
            **parts,
        )
        return said_of(said_of(finding, weigher), choice)


def _reweighting(
    train: np.ndarray, test: np.ndarray, train_rows: np.ndarray, chosen: Choice | None, facts: Any, settings: Settings
) -> tuple[tuple[Remedy, ...], str]:
    """Weights for the training rows, where any can make them look like the test rows."""
    if chosen and not chosen.method:
        return (), "No weights are offered: planted shifts of these data were not repaired by any."
    try:
        if chosen:
            weights = np.asarray(ask(chosen, Supply(facts, "train"), {"seed": settings.seed}))
        else:
            weights = LogisticRatio().weigh_rows(ref_X=train.astype(np.float64), cur_X=test.astype(np.float64))
    except ValueError:
        return (), "No weights can make the training rows look like the test rows: the sets hardly overlap."
    effective = effective_sample_size(weights)
    remedy = Remedy(
        "reweight_rows",
        "Weigh training rows by how much they look like test rows",
        True,
        rows=tuple(train_rows.tolist()),
        values=tuple(weights.tolist()),
    )
    said = f"Weights that make the training rows look like the test rows leave {effective:,.0f} of {len(weights):,}"
    return (remedy,), f"{said} effective rows."
