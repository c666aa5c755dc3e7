"""Average thresholded confidence."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.estimation._expected import bounded


class AverageThresholdedConfidence(Measure):
    r"""Learns the confidence above which the reference holds as many rows as the model gets right, and counts again.

    .. math:: t: \frac{1}{n}\sum_i [s(x_i) < t] = 1 - \mathrm{acc}_\text{ref}, \qquad
        \widehat{A} = \frac{1}{m}\sum_j [s(x_j) \ge t]

    `s` is the largest probability ("confidence") or minus the entropy. Use it when only probabilities are at hand and
    the model is confident where it is right; ties at the threshold are shared out. It fails when hard rows become
    common: at small error rates the threshold rests on few rows, and it moves with every row below it.

    >>> ref = np.array([0.95, 0.9, 0.8, 0.6]); cur = np.array([0.85, 0.7, 0.99, 0.95])
    >>> sure = AverageThresholdedConfidence(score="entropy")
    >>> found = sure.measure(np.c_[1 - ref, ref], [1, 1, 1, 0], np.c_[1 - cur, cur])  # three of four are right
    >>> found.value, found.n
    (0.75, 4)
    """

    source = "garg2022leveraging"
    claims = ("none", "tilt")
    score: Literal["confidence", "entropy"] = "confidence"

    def measure(self, ref_probs: np.ndarray, ref_y: np.ndarray, cur_probs: np.ndarray) -> Estimate:
        """The accuracy on the current sample with a 90 % interval: chance in the threshold and in the labels."""
        ref, cur = _scores(ref_probs, self.score), _scores(cur_probs, self.score)
        accuracy = float((ref_probs.argmax(axis=1) == ref_y).mean())
        value = _share_above(cur, _ranked_share(ref, 1 - accuracy))
        error = np.sqrt((accuracy * (1 - accuracy) + 0.5 / len(ref)) / len(ref))
        ends = [_share_above(cur, _ranked_share(ref, 1 - accuracy + turn * error)) for turn in (-1, 1)]
        learnt = max(abs(end - value) for end in ends)
        chance = (value * (1 - value) + 0.5 / len(cur)) / len(cur)
        return bounded(value, 1.645 * float(np.sqrt(learnt**2 + chance)), len(cur), 0, 1)


def _scores(probs: np.ndarray, score: str) -> np.ndarray:
    if score == "confidence":
        return probs.max(axis=1)
    return (probs * np.log(np.maximum(probs, np.finfo(probs.dtype).tiny))).sum(axis=1)


def _ranked_share(ref: np.ndarray, share: float) -> tuple[float, float]:
    """The threshold below which `share` of the reference lies, and the part of its ties that counts as below."""
    ordered = np.sort(ref)
    below = min(max(share, 0.0), 1.0) * len(ordered)
    threshold = ordered[min(int(below), len(ordered) - 1)]
    first, last = np.searchsorted(ordered, threshold, "left"), np.searchsorted(ordered, threshold, "right")
    return float(threshold), float(np.clip((below - first) / (last - first), 0, 1))


def _share_above(cur: np.ndarray, threshold: tuple[float, float]) -> float:
    value, tied_below = threshold
    return float((cur > value).mean() + (cur == value).mean() * (1 - tied_below))
