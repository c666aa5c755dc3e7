"""GOT-D: gradients of an optimal transport distance."""

from __future__ import annotations

import numpy as np

from holdfast.core import Selector
from holdfast.curation._clusters import unit_rows


class GOTD(Selector):
    r"""Rows of which a little more brings what a model was trained on fastest towards a target.

    .. math:: \frac{\partial \, \mathrm{OT}(\mu, \nu)}{\partial \mu_i} = f_i - \frac{1}{n - 1} \sum_{j \ne i} f_j

    :math:`\mu` are the candidates (`ref_X`), which stand for the data that the model knows, :math:`\nu` the target
    (`cur_X`), f the dual of the entropic transport between them (`regularization` times the mean cost, `iterations` of
    Sinkhorn). The most negative gradients come first: rows where the target has mass that the candidates lack, not
    merely rows like the target. `gradient_` (n,) holds them. Without a budget the share `keep` is selected.

    Use it to choose a small set to warm a model up before it is fine-tuned. It fails where the candidates are not of
    the kind that the model was trained on, and takes memory for all pairs: split large pools by chance.

    >>> known, target = [[1.0, 0.0], [1.0, 0.1], [0.9, 0.0], [0.1, 1.0]], [[0.0, 1.0], [0.1, 0.9], [1.0, 0.0]]
    >>> method = GOTD(regularization=0.1, iterations=50, keep=0.25)
    >>> method.select_rows(ref_X=known, cur_X=target).tolist()
    [3]
    """

    source = "kang2024get"
    claims = ("other_kind_of_row",)
    memory = "quadratic"
    silent = ("iterations",)  # the order of rows settles before the duals do

    regularization: float = 0.05
    iterations: int = 100
    keep: float = 0.7

    def select_rows(self, ref_X: np.ndarray, cur_X: np.ndarray, budget: int | None = None) -> np.ndarray:
        known, target = unit_rows(ref_X).astype(np.float64), unit_rows(cur_X).astype(np.float64)
        cost = np.sqrt(np.maximum(2 - 2 * known @ target.T, 0.0))
        scale = max(self.regularization * float(cost.mean()), 1e-9)
        f = self._dual(cost / scale) * scale
        n = len(f)
        self.gradient_ = f - (f.sum() - f) / max(n - 1, 1)
        order = np.argsort(np.round(self.gradient_, 9), kind="stable")
        return order[: max(1, round(self.keep * n))][:budget]

    def _dual(self, cost: np.ndarray) -> np.ndarray:
        from scipy.special import logsumexp

        n, m = cost.shape
        f, g = np.zeros(n), np.zeros(m)
        for _ in range(self.iterations):
            before, g = g, np.log(1 / m) - logsumexp(f[:, None] - cost, axis=0)
            f = np.log(1 / n) - logsumexp(g[None] - cost, axis=1)
            if np.abs(g - before).max() < 1e-4:
                break
        return f + np.log(n)
