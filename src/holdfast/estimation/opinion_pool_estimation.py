"""Performance without labels by a logarithmic opinion pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from scipy.special import softmax

from holdfast.core import Estimate, Measure
from holdfast.estimation._class_change import ClassChange, class_change, leading
from holdfast.estimation._expected import MetricName, expected_metric, same_rows, simulated_interval
from holdfast.estimation._pool import Voices, fit_pool, second_opinion
from holdfast.estimation._recalibrate import recalibrated
from holdfast.ops.density_ratio import effective_sample_size, logistic_ratio
from holdfast.ops.metrics import METRICS

UNSEEN = 0.12  # share of an estimated change that may be wrong, beyond what the curvature and chance say: measured


class OpinionPoolEstimation(Measure):
    r"""Asks a second model, fitted on the reference's labels, and pools its opinion with the audited model's.

    .. math:: q(y \mid x) \propto p(y \mid x)^a \, e^{b s_y(x) + c_y}, \qquad
        \widehat{m} = \mathbb{E}_{y \sim q}\, m(y, p)

    `s` are leave-one-out scores of kernel ridge regression on the reference features; a, b and c are fitted on the
    reference, weighted towards the current sample; with many reference rows the pooled confidence is recalibrated by
    isotonic regression. Confidence alone does not know that rows near the true boundary are hard; the second opinion
    does, which is where the other methods of the family are most wrong. Where new class frequencies explain the current
    inputs as well as a change of the inputs does, the estimate goes half the way to what they would mean, and the whole
    way counts as doubt.

    Use it when features of both samples are at hand and the shift is in the inputs; it is the most accurate method of
    the family there. It fails under concept shift, as everything without labels does, and on features whose
    distances mean nothing.

    >>> from holdfast.ops.metrics import METRICS
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(600, 1)); y = (X[:, 0] + rng.normal(0, 0.5, 600) > 0).astype(int)
    >>> probs = np.where(X > 0, [0.1, 0.9], [0.9, 0.1])  # the same confidence everywhere, near the boundary too
    >>> near = np.abs(X[300:, 0]) < 0.3
    >>> pool = OpinionPoolEstimation(metric="log_loss", features=64, seed=1)
    >>> found = pool.measure(probs[:300], y[:300], probs[300:][near], X[:300], X[300:][near])
    >>> truth = METRICS["log_loss"](y[300:][near], probs[300:][near])
    >>> round(truth, 2), bool(found.low < truth < found.high), bool(found.value > METRICS["log_loss"](y, probs) + 0.2)
    (0.86, True, True)
    """

    source = "genest1986combining"
    claims = ("none", "tilt", "hard_region", "label_shift")
    blind = ("concept",)
    silent: ClassVar[tuple[str, ...]] = ("draws",)
    metric: MetricName = "accuracy"
    features: int = 256
    draws: int = 60
    seed: int = 0

    def measure(
        self, ref_probs: np.ndarray, ref_y: np.ndarray, cur_probs: np.ndarray, ref_X: np.ndarray, cur_X: np.ndarray
    ) -> Estimate:
        """The metric on the current sample, with a 90 % interval for what its labels will say."""
        opinions = second_opinion(ref_X, ref_y, cur_X, ref_probs.shape[1], self.features, self.seed)
        doubts = _doubts(ref_probs, opinions[0]), _doubts(cur_probs, opinions[1])
        weights = logistic_ratio(*doubts)
        size = effective_sample_size(weights)
        ref, cur = Voices.of(ref_probs, opinions[0]), Voices.of(cur_probs, opinions[1])
        fitted, covariance = fit_pool(ref, ref_y, weights * size / len(weights))
        belief = softmax(cur.logits(fitted), axis=1)
        value = expected_metric(self.metric, belief, cur_probs)
        before = softmax(ref.logits(fitted), axis=1)
        final = recalibrated(belief, cur_probs, before, (ref_probs.argmax(axis=1), ref_y), weights)
        moved = UNSEEN * (value - METRICS[self.metric](ref_y, ref_probs))
        corrected = expected_metric(self.metric, final, cur_probs)
        doubt = float(np.nan_to_num(np.hypot(moved, (corrected - value) / 2)))
        sides = [np.hstack(parts) for parts in zip(leading(ref_X, cur_X), doubts, strict=True)]
        change = self._class_change(ref, ref_y, cur, *sides)
        apart = change.likely * np.nan_to_num(expected_metric(self.metric, change.belief, cur_probs) - corrected)
        corrected, doubt = corrected + apart / 2, float(np.hypot(doubt, apart))
        entity = same_rows(cur_X, cur_probs)
        beliefs = self._beliefs(cur, fitted, covariance)
        return simulated_interval(self.metric, corrected, beliefs, cur_probs, entity, doubt, self.seed)

    @staticmethod
    def _class_change(
        ref: Voices, ref_y: np.ndarray, cur: Voices, ref_inputs: np.ndarray, cur_inputs: np.ndarray
    ) -> ClassChange:
        """By beliefs that fit the reference as it is: new class frequencies leave it as relevant as it was."""
        fitted, _ = fit_pool(ref, ref_y, np.ones(len(ref_y)))
        share = np.bincount(ref_y, minlength=ref.model.shape[1]) / len(ref_y)
        before, now = (softmax(voices.logits(fitted), axis=1) for voices in (ref, cur))
        return class_change(before, now, share, ref_inputs, cur_inputs)

    def _beliefs(self, cur: Voices, fitted: np.ndarray, covariance: np.ndarray) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(self.seed)
        root = np.linalg.cholesky(covariance)
        for _ in range(self.draws):
            yield softmax(cur.logits(fitted + root @ rng.normal(size=len(root))), axis=1)


def _doubts(probs: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(n, 3) how unsure the model is, how unsure both together are, and the second opinion's best score."""
    both = (probs + np.clip(scores, 0, 1)).max(axis=1) / 2
    unsure = [np.log(np.clip(1 - best, 1e-4, 1)) for best in (probs.max(axis=1), both)]
    return np.column_stack([*unsure, scores.max(axis=1)])
