"""A holdout that can be asked again: Thresholdout."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure


class ReusableHoldout(Measure):
    r"""Answers a question about a mean from open rows, and from guarded rows only where the two disagree.

    .. math:: a = \begin{cases} \bar{x}_\text{cur} + \xi & \text{if } |\bar{x}_\text{cur} - \bar{x}_\text{ref}| >
        (T + \gamma + \eta) \, s \\ \bar{x}_\text{ref} & \text{otherwise} \end{cases}
        \qquad \xi \sim \mathrm{Lap}(\sigma s),\ \gamma \sim \mathrm{Lap}(2\sigma),\ \eta \sim \mathrm{Lap}(4\sigma)

    `ref_x` holds what is asked about on open rows, `cur_x` the same on guarded rows; s is the standard error of the
    difference of their means, `threshold` is T and `noise` is sigma, both in units of s. `question` is the number of
    this question, from 0 on: it draws the noise anew, as the paper does. An answer from the guarded rows has a
    `pvalue`: that of the disagreement; an answer from open rows has 1, and has told nothing about the guarded rows but
    that they agree. Use it when what is asked next depends on the answers so far, as when the best of many repairs is
    sought. It fails where most questions overfit the open rows: each then costs a look at the guarded ones, which the
    caller has to count and to limit.

    >>> open_rows, guarded = [0.0, 1.0] * 50, [1.0] * 20 + [0.0] * 80
    >>> answer = ReusableHoldout(threshold=1.0, noise=0.01, question=1).measure(ref_x=open_rows, cur_x=guarded)
    >>> round(answer.value, 2), answer.n  # .5 on open rows, .2 on guarded: far more than one standard error (.064)
    (0.2, 100)
    >>> ReusableHoldout(threshold=9.0, noise=0.01, seed=1).measure(ref_x=open_rows, cur_x=guarded).value
    0.5
    """

    source = "dwork2015generalization"
    claims = ("overfitted_question",)
    threshold: float = 2.0
    noise: float = 0.1
    question: int = 0
    seed: int = 0

    def measure(self, ref_x: np.ndarray, cur_x: np.ndarray) -> Estimate:
        """The answer; its 90 % interval allows for the noise, or for the disagreement that an open answer may hide."""
        from scipy.special import ndtr

        rng = np.random.default_rng([self.seed, self.question])
        errors = [float(np.var(x, ddof=1) / len(x)) if len(x) > 1 else 0.0 for x in (ref_x, cur_x)]
        scale = float(np.sqrt(sum(errors)))
        gap = float(cur_x.mean() - ref_x.mean())
        limit = self.threshold + rng.laplace(0, 2 * self.noise) + rng.laplace(0, 4 * self.noise)
        blur = float(rng.laplace(0, self.noise)) * scale
        if abs(gap) <= limit * scale:
            value, error, pvalue = float(ref_x.mean()), errors[1] ** 0.5 + self.threshold * scale / 1.645, 1.0
        else:
            value = float(cur_x.mean()) + blur
            error = float(np.sqrt(errors[1] + 2 * (self.noise * scale) ** 2))
            pvalue = max(float(2 * ndtr(-abs(gap) / scale)), np.finfo(float).tiny) if scale else np.finfo(float).tiny
        return Estimate(value, value - 1.645 * error, value + 1.645 * error, len(cur_x), pvalue)
