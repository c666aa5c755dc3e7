"""Dynamic loss-based sample reweighting."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Weigher


class LossWeights(Weigher):
    r"""A batch's rows weighted by their losses just now: less for what is already learnt, capped for what is extreme.

    .. math:: h_i = \frac{2 \delta l_i - \delta (l_\max + l_\min)}{l_\max - l_\min}, \qquad w_i \propto e^{f(h_i) / r}

    `strategy` "linupper": f = min(h + delta, delta), rising up to the middle of the range, flat above; "quadratic":
    f = 1 - h^2 / delta^2, most for the middle; "extremes": f = |h|. delta is `spread`, r is `temperature`: large keeps
    the weights alike, and is lowered as training goes on. Treat the weights as constants (no gradient through them).

    Use it when training spends most steps on rows that it has learnt: call it on every batch. It fails where losses
    tell noise, not difficulty: wrong labels have large losses, which "linupper" caps and "quadratic" lowers. The range
    is that of the batch, so one outlier flattens the rest.

    Losses 0, 1, 2 become h = -1, 0, 1, and f = 0, 1, 1:

    >>> method = LossWeights(strategy="linupper", temperature=1 / np.log(2), spread=1.0)
    >>> method.weigh_rows(loss=[0.0, 1.0, 2.0]).tolist()
    [0.6, 1.2, 1.2]
    """

    source = "sow2025dynamic"
    claims = ("learnt_rows",)

    strategy: Literal["linupper", "quadratic", "extremes"] = "linupper"
    temperature: float = 1.0
    spread: float = 1.0

    def weigh_rows(self, loss: np.ndarray) -> np.ndarray:
        """(n,) weights of the batch's rows, mean 1."""
        if self.temperature <= 0 or self.spread <= 0:
            raise ValueError(f"temperature is {self.temperature} and spread {self.spread}; both must be above 0. "
                             "A large temperature makes the weights of a loss alike.")  # fmt: skip
        loss = loss.astype(np.float64)
        low, high = loss.min(), loss.max()
        scale = max(high - low, 1e-300)
        height = self.spread * ((loss - low) / scale - (high - loss) / scale)
        if self.strategy == "linupper":
            height = np.minimum(height + self.spread, self.spread)
        elif self.strategy == "quadratic":
            height = 1 - (height / self.spread) ** 2
        else:
            height = np.abs(height)
        weights = np.exp((height - height.max()) / self.temperature)
        return weights / weights.mean()
