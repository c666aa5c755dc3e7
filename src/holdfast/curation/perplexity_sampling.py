"""Perplexity sampling."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Selector


class PerplexitySampling(Selector):
    r"""Documents drawn mostly from the middle of the perplexities of a small language model.

    .. math:: p(x) = f \, \exp\Big(-\frac1w \Big(\frac{x - m}{m}\Big)^2\Big) \quad \text{or} \quad
              p(x) = f \cdot \frac{Q_2}{\text{width of the quartile of } x}

    m is the median, f = `factor`, w = `width`; "stepwise" gives every quarter the same share per unit of perplexity,
    the last one a tenth of that (it has no end: its width is taken as :math:`10 \, Q_3`). `probability_` (n,) are the
    chances. Without a budget as many rows as they sum to are drawn; rows come in the order of the draw.

    Use it where low perplexity means boilerplate and high perplexity gibberish. It fails where the rare kind that is
    wanted is unlike what the model knows: that goes too. With the published width the curve is nearly flat up to twice
    the median.

    >>> chances = PerplexitySampling(shape="gaussian", factor=0.8, width=0.5, seed=3)
    >>> rows = chances.select_rows(perplexity=[10.0, 100.0, 100.0, 150.0, 400.0])
    >>> chances.probability_.round(3).tolist()      # 0.8 e^(-2 0.9^2), 0.8, 0.8, 0.8 e^(-2 0.5^2), 0.8 e^(-2 3^2)
    [0.158, 0.8, 0.8, 0.485, 0.0]
    """

    source = "delarosa2022bertin"
    claims = ("boilerplate_and_gibberish",)

    shape: Literal["gaussian", "stepwise"] = "gaussian"
    factor: float = 0.78
    width: float = 4.5
    seed: int = 0

    def select_rows(self, perplexity: np.ndarray, budget: int | None = None) -> np.ndarray:
        value = perplexity.astype(np.float32).astype(np.float64)
        low, median, high = (max(float(part), 1e-300) for part in np.quantile(value, [0.25, 0.5, 0.75]))
        if self.shape == "gaussian":
            chance = np.exp(-(((value - median) / median) ** 2) / self.width)
        else:
            widths = np.maximum([low, median - low, high - median, 10 * high], 1e-9 * median)
            chance = median / widths[np.searchsorted([low, median, high], value, side="left")]
        self.probability_ = np.clip(self.factor * chance, 0.0, 1.0)
        race = np.random.default_rng(self.seed).standard_exponential(len(value))
        order = np.argsort(race / np.maximum(self.probability_, 1e-300), kind="stable")
        return order[: max(1, round(float(self.probability_.sum())))][:budget]
