"""Deep embedded validation."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.weighting._validation import share, weighted_hits


class DeepEmbeddedValidation(Measure):
    r"""Importance-weighted validation with the weights themselves as a control variate, so that it varies less.

    .. math:: R = \overline{w \ell} + \eta \, \overline{w} - \eta, \qquad
              \eta = -\frac{\mathrm{Cov}(w \ell, w)}{\mathrm{Var}(w)}

    l is 1 where the model errs; the value is 1 - R. w is a logistic density ratio that meets the target's moments, or a
    `ValueError`; give the model's own features as `ref_X` and `cur_X` where it has some. Larger is better.
    Costs (n + m) d^2.

    Use it when inputs moved and weights are uneven, to choose among adapted models without labels of the target. It
    fails as importance weights fail, and does not see that a relation changed.

    Zeros err every other time and are one in four of the target, where ones never err:

    >>> ref_X, cur_X = [[0.0], [1.0]] * 40, [[0.0], [1.0], [1.0], [1.0]] * 20
    >>> probs, y = [[1.0, 0.0], [0.0, 1.0]] * 40, [0, 1, 1, 1] * 20
    >>> DeepEmbeddedValidation().measure(ref_X=ref_X, ref_y=y, ref_probs=probs, cur_X=cur_X).value.__round__(2)
    0.87
    """

    source = "you2019towards"
    claims = ("validated",)

    def measure(self, ref_X: np.ndarray, ref_y: np.ndarray, ref_probs: np.ndarray, cur_X: np.ndarray) -> Estimate:
        """The estimated accuracy on the target with its 90 % interval."""
        weights, right = weighted_hits(ref_X, ref_y, ref_probs, cur_X)
        lost = weights * (1 - right)
        spread = float(weights.var())
        eta = -float(np.cov(lost, weights, bias=True)[0, 1]) / spread if spread > 1e-12 else 0.0
        return share(1 - (lost + eta * (weights - 1)), len(cur_X))
