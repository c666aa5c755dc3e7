"""Wrong labels as people make them: classes that look alike are taken for each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from holdfast.core import Fault
from holdfast.faults._classes import codes_of, need_classes
from holdfast.faults._encode import encode
from holdfast.faults._rows import column_of, draw_rows, need_share, rewrite, where
from holdfast.faults._tables import Tables, Truth


class SimilarClassLabelNoise(Fault):
    r"""Training labels replaced by a class whose centre lies near that of their own.

    .. math:: P(\tilde y = j \mid y = i) \propto \exp(-d_{ij}^2 / 2 h^2), \quad j \ne i,

    with distances d between the class means of the scaled features, and h a multiple of the median distance from a
    class to its nearest one.

    Use it when annotators confuse some classes and not others. It needs three classes; it fails to gather in hard rows
    of a class: see `InstanceDependentLabelNoise`.

    `temperature` is that multiple: small values leave only the nearest class. `pairs` names the classes that are
    confused, both ways, instead; labels of other classes stay.

    >>> import polars as pl
    >>> train = pl.DataFrame({"x": [0, 0, 1, 1, 9, 9], "y": ["a", "a", "b", "b", "c", "c"]})
    >>> tables = Tables(train, None, "y", "multiclass", {"x": "number"})
    >>> noisy, truth = SimilarClassLabelNoise(temperature=0.5).plant(tables, 1.0, np.random.default_rng(0))
    >>> noisy.train["y"].to_list()  # a and b for each other, c for b
    ['b', 'b', 'a', 'a', 'b', 'b']
    >>> noisy, truth = SimilarClassLabelNoise(pairs=(("a", "c"),)).plant(tables, 1.0, np.random.default_rng(0))
    >>> noisy.train["y"].to_list()
    ['c', 'c', 'b', 'b', 'a', 'a']
    """

    source = "wei2022learning"
    unit = "share of the training rows"
    strengths = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
    silent = ("pairs",)  # no law can guess them: tested by the family
    temperature: float = 1.0
    pairs: tuple[tuple[Any, Any], ...] = ()

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        labels = need_classes(tables, least=3)
        if self.pairs:
            chances = _given(self.pairs, labels.classes)
        else:
            chances = _similarity(encode(tables, tables.train), labels.train, labels.k, self.temperature)
        is_confused = np.append(chances.sum(axis=1) > 0, False)[labels.train]  # the last is for rows without a label
        rows = draw_rows(is_confused, need_share(strength), rng)
        edges = np.cumsum(chances, axis=1)
        draws = rng.random(len(rows)) * edges[labels.train, -1]
        others = np.where(rows, (edges[labels.train] <= draws[:, None]).sum(axis=1), 0)
        target = str(tables.target)
        given = where(rows, labels.values(others), column_of(tables.train, target))
        return rewrite(tables, "train", target, given, "labels replaced by a class that looks alike")


def _similarity(X: np.ndarray, y: np.ndarray, k: int, temperature: float) -> np.ndarray:
    """(k, k) chances of being taken for another class, rows sum to 1."""
    centres = np.stack([X[y == code].mean(axis=0) for code in range(k)])
    square = ((centres[:, None] - centres) ** 2).sum(axis=2)
    np.fill_diagonal(square, np.inf)
    width = temperature * np.median(np.sqrt(square.min(axis=1))) or 1.0
    exponent = -(square - square.min(axis=1, keepdims=True)) / (2 * width**2)
    chances = np.exp(np.nan_to_num(exponent, nan=0.0, neginf=-np.inf))
    np.fill_diagonal(chances, 0)
    return chances / chances.sum(axis=1, keepdims=True)


def _given(pairs: tuple[tuple[Any, Any], ...], classes: pl.Series) -> np.ndarray:
    """(k, k) 1 where two classes are confused."""
    chances = np.zeros((len(classes), len(classes)))
    for pair in pairs:
        left, right = codes_of(pl.Series(list(pair)).cast(classes.dtype, strict=False), classes)
        if min(left, right) < 0 or left == right:
            raise ValueError(f"pairs has {pair!r}; expected two different classes out of {classes.to_list()[:20]}.")
        chances[left, right] = chances[right, left] = 1
    return chances
