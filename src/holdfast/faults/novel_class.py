"""A class that no training row has."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.core import Fault
from holdfast.faults._classes import need_classes, place_of
from holdfast.faults._rows import draw_rows, keep_test, need_share
from holdfast.faults._tables import CannotPlant, Tables, Truth


class NovelClass(Fault):
    r"""All training rows of one class taken out; in the test table it keeps a share of the rows.

    .. math:: \tilde p_{\mathrm{train}}(c) = 0, \qquad \tilde p_{\mathrm{test}}(c) = s

    Use it when kinds of cases may come that nobody has labelled: new products, diseases, attacks. It needs three
    classes, for with one left there is nothing to predict; it fails to give the class more test rows than it has, and
    the amount says how many it got.

    `label` names the class; one that the test table holds is drawn otherwise.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": range(30), "y": ["a", "b", "c"] * 10})
    >>> tables = Tables(table, table, "y", "multiclass", {"x": "number"})
    >>> planted, truth = NovelClass(label="b").plant(tables, 0.2, np.random.default_rng(0))
    >>> planted.train["y"].unique().sort().to_list(), int(truth.test_rows.sum()), truth.amount
    (['a', 'c'], 5, 0.2)
    """

    source = "scheirer2013toward"
    unit = "share of the test rows"
    strengths = (0.01, 0.02, 0.05, 0.1, 0.2)
    label: Any = None

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, labels = need_share(strength, below_one=True), need_classes(tables, least=3, test=True)
        assert labels.test is not None
        there = np.unique(labels.test[labels.test >= 0])
        if not len(there):
            raise CannotPlant("No class of the training labels stands in the test table.")
        novel = int(rng.choice(there)) if self.label is None else place_of(self.label, labels.classes)
        is_novel = labels.test == novel
        count = round(share / (1 - share) * (~is_novel).sum())
        stays = draw_rows(is_novel, min(count / len(is_novel), 1.0), rng)
        kept_test = np.flatnonzero(~is_novel | stays) if share else np.arange(len(is_novel))
        kept_train = np.flatnonzero(labels.train != novel) if share else np.arange(len(labels.train))
        rows = is_novel[kept_test] & bool(share)
        truth = Truth(
            test_rows=rows,
            train_origin=kept_train,
            test_origin=kept_test,
            amount=float(rows.mean()),
            note=f"class {labels.classes[novel]!r} removed from training, {rows.sum():,} of its test rows stay",
        )
        return keep_test(tables, kept_test).with_train(tables.train[kept_train]), truth
