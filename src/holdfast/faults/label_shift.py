"""Classes that come in other shares than before."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.core import Fault
from holdfast.faults._classes import codes_of, need_classes, place_of
from holdfast.faults._rows import column_of, keep_test, need_test
from holdfast.faults._tables import CannotPlant, Tables, Truth

LEAST = 5  # rows that must stay


class LabelShift(Fault):
    r"""Test rows thinned class by class so that one class is more frequent; within a class nothing changes.

    .. math:: \tilde \pi = (1 - \lambda) \pi + \lambda e_c, \qquad s = \tfrac12 \sum_k |\tilde \pi_k - \pi_k|
        = \lambda (1 - \pi_c)

    Rows leave at random and none is doubled, so the largest table with these shares stays. Rows without a label stay.

    Use it when an outcome may have become more frequent: an outbreak, fraud, churn. It fails on classes too rare to
    grow as far as asked: then few rows stay, and with fewer than five it cannot be planted.

    `label` is the class c; the rarest of the test table otherwise.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": range(40), "y": ["a"] * 20 + ["b"] * 20})
    >>> tables = Tables(table, table, "y", "binary", {"x": "number"})
    >>> planted, truth = LabelShift(label="a").plant(tables, 0.25, np.random.default_rng(0))
    >>> planted.test["y"].value_counts().sort("y").rows(), round(truth.amount, 2)
    ([('a', 20), ('b', 7)], 0.24)
    """

    source = "azizzadenesheli2019regularized"
    unit = "total variation distance of the class shares"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.4)
    label: Any = None

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        need_classes(tables, test=True)
        labels = column_of(need_test(tables), str(tables.target))
        names = labels.drop_nulls().unique().sort()
        if len(names) < 2:
            raise CannotPlant("The test labels hold fewer than two classes, and this fault changes their shares.")
        if strength == 0:
            return tables, Truth()
        codes = codes_of(labels, names)
        sizes = np.bincount(codes[codes >= 0])
        chosen = int(sizes.argmin()) if self.label is None else place_of(self.label, names)
        prior = sizes / sizes.sum()
        if strength > 1 - prior[chosen]:
            raise CannotPlant(f"The shares can differ by {1 - prior[chosen]:.2f} at most, not by {strength:g}.")
        mix = strength / (1 - prior[chosen])
        wanted = (1 - mix) * prior + mix * (np.arange(len(sizes)) == chosen)
        total = (sizes[wanted > 0] / wanted[wanted > 0]).min()
        counts = np.minimum(np.floor(total * wanted + 0.5).astype(int), sizes)
        if counts.sum() < LEAST:
            raise CannotPlant(f"Only {counts.sum()} test rows could stay with such shares.")
        kept = _thinned(codes, counts, rng)
        after = np.bincount(codes[kept][codes[kept] >= 0], minlength=len(sizes)) / counts.sum()
        truth = Truth(
            columns=(str(tables.target),),
            test_origin=kept,
            amount=float(np.abs(after - prior).sum() / 2),
            note=f"{len(kept):,} test rows stay: {names[chosen]!r} {prior[chosen]:.1%} before, {after[chosen]:.1%} now",
        )
        return keep_test(tables, kept), truth


def _thinned(codes: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Row numbers, ascending: so many random rows of every class, and all without one."""
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    sizes = np.bincount(codes[codes >= 0], minlength=len(counts))
    unlabelled = len(codes) - sizes.sum()
    starts = np.repeat(unlabelled + np.cumsum(sizes) - sizes, sizes)
    place = np.arange(unlabelled, len(codes)) - starts
    stays = place < np.repeat(counts, sizes)
    return np.sort(np.concatenate([order[:unlabelled], order[unlabelled:][stays]]))
