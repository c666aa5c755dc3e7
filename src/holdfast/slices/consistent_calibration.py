"""How far a model's answers drift from its training data once they are trained on again."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.resampling import two_way_error


class ConsistentCalibration(Measure):
    r"""The share of a class among the answers, less its share among the labels of the same fresh rows.

    .. math:: \delta = \frac1n \sum_i \big( 1[\hat y_i = c] - 1[y_i = c] \big)

    Answers that are the likeliest class give a frequent class more than its share; answers drawn from calibrated
    probabilities do not. Where answers become training labels of the next model, the drift adds up round by round, and
    `bound` limits it: with n(s) rows after s rounds of `human` and `machine` labelled rows,

    .. math:: \frac{|\text{drift after } t|}{\delta} \le 1 + \sum_{i=1}^t \frac{k}{n(i)} \prod_{j=i+1}^t
              \frac{n(j) - m}{n(j)}

    (m of people, k of the model). `of_class` is c; the p-value is two-sided, for "no drift".

    Use it when answers of a model may flow back into the data it is trained on. It fails where the bias is not the
    frequency of a class: give the rows of one group, or codes of what is biased. The bound supposes that later models
    are no worse calibrated than the first.

    >>> y, predicted = [0] * 60 + [1] * 40, [0] * 75 + [1] * 25
    >>> drift = ConsistentCalibration(of_class=0, level=0.8).measure(y=y, predicted=predicted)
    >>> round(drift.value, 2), drift.pvalue < 0.001
    (0.15, True)
    >>> ConsistentCalibration().bound(rounds=1, initial=50, human=0, machine=50)  # 1 + 50 / 100
    1.5
    """

    source = "taori2023data"
    claims = ("amplified_majority",)
    blind = ("sampled_answers",)
    of_class: int = 1
    level: float = 0.9

    def measure(self, y: np.ndarray, predicted: np.ndarray) -> Estimate:
        """The signed drift with its interval."""
        from scipy.special import stdtr, stdtrit

        drifts = (predicted == self.of_class).astype(float) - (y == self.of_class)
        value = float(drifts.mean())
        error, freedom = two_way_error(np.array([value]), (drifts - value)[None], counts=True)
        reach = float(stdtrit(freedom, 0.5 + self.level / 2)) * error
        pvalue = max(2 * float(stdtr(freedom, -abs(value) / error)), 1e-300)
        return Estimate(value, value - reach, value + reach, len(y), pvalue)

    @staticmethod
    def bound(rounds: int, initial: int, human: int, machine: int) -> float:
        """How many times the first drift the drift may become after so many rounds."""
        rows = initial + (human + machine) * np.arange(1, rounds + 1)
        kept = np.append(np.cumprod(((rows - human) / rows)[::-1])[::-1][1:], 1.0)
        return float(1 + (machine / rows * kept).sum())
