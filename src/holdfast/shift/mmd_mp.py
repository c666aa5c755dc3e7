"""Maximum mean discrepancy with a kernel trained against many populations."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from holdfast.core import Estimate, Measure
from holdfast.ops.kernels import discrepancy, gaussian_product, median_distance, sign_matrix, standardised
from holdfast.shift._deep_kernel import DeepKernel, power

UNIT = float(np.sqrt(0.5))  # the bandwidth at which the Gaussian kernel is exp(-squared distance)
BATCH = 48  # rows of each sample in one step of training


class MMDMP(Measure):
    r"""Distance between two samples under a deep kernel that is trained not to count how alike the current rows are.

    .. math:: \max_k \frac{E\,k(x, x') - 2 E\,k(x, y)}{\hat\sigma}, \quad
        k(x, y) = [(1 - \epsilon) e^{-\|\phi(x) - \phi(y)\|^2 / \sigma_\phi} + \epsilon]\, e^{-\|x - y\|^2 / \sigma_q}

    Where the current sample is a mixture of many populations (texts of many generators), the term :math:`E\,k(y, y')`
    of the usual objective makes its variance grow; without it the kernel learns what all of them have in common. The
    kernel is trained on half of the rows; the other half gives the unbiased distance and a permutation p-value.
    `objective="mmd"` keeps the term (Liu et al., 2020). After a call `score_rows(X)` says how far single rows are from
    the reference. Use it on embeddings, when differences are subtle and a few hundred rows of each side are at hand.
    It fails with few rows: half of them teach the kernel, and the other half must still show the difference.

    >>> rng = np.random.default_rng(0)
    >>> ref, cur = rng.normal(size=(80, 2)), rng.normal(size=(80, 2)) * [1.0, 4.0]
    >>> method = MMDMP(steps=40, width=8, permutations=19, learning_rate=0.01, objective="mmd", seed=1)
    >>> method.measure(ref_X=ref, cur_X=cur).pvalue
    0.05
    >>> method.score_rows(X=[[0.0, 9.0]]) > method.score_rows(X=[[0.0, 0.0]])
    array([ True])
    """

    source = "zhang2024detecting"
    claims = ("mean_shift", "correlation_flip")
    blind = ("concept_shift",)
    steps: int = 20
    width: int = 16
    learning_rate: float = 0.02
    permutations: int = 100
    objective: Literal["mpp", "mmd"] = "mpp"
    seed: int = 0

    def measure(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Estimate:
        """The unbiased squared distance on the half that the kernel has not seen, its interval and p-value."""
        if min(len(ref_X), len(cur_X)) < 8:
            raise ValueError(f"ref_X has {len(ref_X)} and cur_X {len(cur_X)} rows; expected at least 8 each.")
        rng = np.random.default_rng(self.seed)
        rows = standardised(ref_X, cur_X)
        both = np.concatenate([ref_X, cur_X]).astype(np.float64)
        self.scale_ = both.mean(axis=0), np.where(both.std(axis=0) > 0, both.std(axis=0), 1.0)
        first, second = rng.permutation(len(ref_X)), len(ref_X) + rng.permutation(len(cur_X))
        half, other = len(first) // 2, len(second) // 2
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self.kernel_ = self._trained(rows[first[:half]], rows[second[:other]], rng)
        self.reference_ = rows[first[:half]]
        held = np.concatenate([first[half:], second[other:]])
        n, m = len(first) - half, len(second) - other
        right = sign_matrix(n, m, self.permutations, rng)
        return discrepancy(_product(self.kernel_, rows[held], right), right, n, m)[0]

    def score_rows(self, X: np.ndarray) -> np.ndarray:
        """(n,) squared distance of a single row to the reference in the kernel's space, up to a constant."""
        rows = ((np.asarray(X, dtype=np.float64) - self.scale_[0]) / self.scale_[1]).astype(np.float32)
        mean = np.r_[np.full(len(self.reference_), 1 / len(self.reference_)), np.zeros(len(rows))][:, None]
        product = _product(self.kernel_, np.concatenate([self.reference_, rows]), mean.astype(np.float32))
        return 1 - 2 * product[len(self.reference_) :, 0]

    def _trained(self, ref: np.ndarray, cur: np.ndarray, rng: np.random.Generator) -> DeepKernel:
        kernel = DeepKernel(ref.shape[1], self.width, median_distance(np.concatenate([ref, cur]), rng))
        optimizer = torch.optim.Adam(kernel.parameters(), lr=self.learning_rate)
        size = min(BATCH, len(ref), len(cur))
        for _ in range(self.steps):
            drawn = np.concatenate([part[rng.permutation(len(part))[:size]] for part in (ref, cur)])
            optimizer.zero_grad()
            (-power(kernel(torch.from_numpy(drawn)), self.objective == "mmd")).backward()
            optimizer.step()
        return kernel


def _product(kernel: DeepKernel, rows: np.ndarray, right: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        deep, plain, share = (part.numpy() for part in kernel.parts(torch.from_numpy(rows)))
    return (1 - share) * gaussian_product(deep, UNIT, right) + share * gaussian_product(plain, UNIT, right)
