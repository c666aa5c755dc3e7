"""Intrinsic sliced Wasserstein test."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.kernels import Z90


class IntrinsicSlicedWasserstein(Measure):
    r"""Distance between two collections of distributions over one domain: a line, a circle or any graph of bins.

    .. math:: D^2 = \Big\| \tfrac{1}{n} \sum_i \eta(\mu_i) - \tfrac{1}{m} \sum_j \eta(\nu_j) \Big\|^2, \quad
        \|\eta(\mu) - \eta(\nu)\|^2 = \sum_{l \ge 1} e^{-t \lambda_l / \lambda_1} W_2^2(\phi_l \# \mu, \phi_l \# \nu)

    A row is a whole distribution: the hours at which a user is active, the degrees in which a sensor points, the load
    of the nodes of a network. Eigenfunctions :math:`\phi_l` of the domain's Laplacian lay every distribution out on a
    line, where the Wasserstein distance is that of quantile functions; so the distance is one of means in a Hilbert
    space, and permuting whole rows tests it. The value is unbiased (it may fall below 0). After a call
    `contributions_` holds the part of every eigenfunction, smoothest first.

    Use it when rows are histograms and bins have neighbours; give `adjacency` where they are nodes of a graph. It
    fails where the collections differ in how rows spread around one common mean.

    >>> ref, cur = [[1.0, 0.0, 0.0, 0.0]] * 3, [[0.0, 0.0, 1.0, 0.0]] * 3  # opposite on a circle of four
    >>> method = IntrinsicSlicedWasserstein(domain="circle", slices=2, decay=0.0, points=8, permutations=19, seed=2)
    >>> round(method.measure(ref_histogram=ref, cur_histogram=cur).value, 6)  # sum over l of (phi_l(0) - phi_l(2))^2
    2.0
    """

    source = "rustamov2023intrinsic"
    claims = ("mean_shift", "moved_ink")
    blind = ("concept_shift",)
    domain: Literal["line", "circle"] = "line"
    slices: int = 8
    decay: float = 0.1
    points: int = 32
    permutations: int = 200
    seed: int = 0

    def measure(
        self, ref_histogram: np.ndarray, cur_histogram: np.ndarray, adjacency: np.ndarray | None = None
    ) -> Estimate:
        """The unbiased squared distance, its interval and the permutation p-value; `adjacency` overrules `domain`."""
        n, m = len(ref_histogram), len(cur_histogram)
        if min(n, m) < 2:
            raise ValueError(f"ref_histogram has {n} and cur_histogram {m} rows; expected at least 2 each.")
        bins = ref_histogram.shape[1]
        weights, places = _eigenfunctions(_joined(bins, self.domain) if adjacency is None else adjacency, self.slices)
        both = np.concatenate([ref_histogram, cur_histogram]).astype(np.float64)
        embedded = _embed(both, places, np.exp(-self.decay * weights), self.points)
        rng = np.random.default_rng(self.seed)
        signs = np.repeat([1 / n, -1 / m], [n, m])
        gap = signs @ embedded
        self.contributions_ = (gap.reshape(len(places), -1) ** 2).sum(axis=1)
        seen, gram = float(gap @ gap), embedded - embedded.mean(axis=0)
        null = np.array([float(((rng.permutation(signs) @ gram) ** 2).sum()) for _ in range(self.permutations)])
        at_least = int((null >= seen * (1 - 1e-9)).sum())
        spread = [part.var(axis=0, ddof=1).sum() / len(part) for part in (embedded[:n], embedded[n:])]
        value = seen - float(sum(spread))
        along = embedded @ gap
        half = 2 * Z90 * float(np.sqrt(along[:n].var() / n + along[n:].var() / m))
        return Estimate(value, value - half, value + half, n + m, (1 + at_least) / (1 + self.permutations))


def _joined(bins: int, domain: str) -> np.ndarray:
    """Every bin joined to the next; on a circle the last to the first."""
    joined = np.eye(bins, k=1) + np.eye(bins, k=-1)
    if domain == "circle" and bins > 2:
        joined[0, -1] = joined[-1, 0] = 1
    return joined


def _eigenfunctions(adjacency: np.ndarray, slices: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues over the first, and (slices, bins) eigenvectors of the Laplacian, without the constant ones."""
    joined = (adjacency + adjacency.T) / 2
    values, vectors = np.linalg.eigh(np.diag(joined.sum(axis=1)) - joined)
    kept = np.flatnonzero(values > 1e-9 * max(float(values[-1]), 1e-300))[:slices]
    if not len(kept):
        raise ValueError("adjacency joins no two bins: without neighbours there is no distance between bins.")
    return values[kept] / values[kept[0]], vectors[:, kept].T


def _embed(histograms: np.ndarray, places: np.ndarray, weights: np.ndarray, points: int) -> np.ndarray:
    """(n, slices x points) quantiles of every row along every eigenfunction, scaled so that squares add up to D^2."""
    levels = (np.arange(points) + 0.5) / points
    parts = []
    for place, weight in zip(places, weights, strict=True):
        order = np.argsort(place, kind="stable")
        upto = np.cumsum(histograms[:, order], axis=1)
        upto /= upto[:, -1:]
        index = (upto[:, None, :] < levels[None, :, None] - 1e-12).sum(axis=2)
        parts.append(place[order][np.minimum(index, len(order) - 1)] * np.sqrt(weight / points))
    return np.concatenate(parts, axis=1)
