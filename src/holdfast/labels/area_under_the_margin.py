"""Area under the margin."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Scorer
from holdfast.labels._dynamics import margins


class AreaUnderTheMargin(Scorer):
    r"""How far, over all of training, other classes held their logits above that of the given label.

    .. math:: \mathrm{AUM}(x, y) = \frac1T \sum_{t=1}^T \Big( z_y^{(t)}(x) - \max_{i \ne y} z_i^{(t)}(x) \Big),
              \qquad s = -\mathrm{AUM}

    The rows of the true class push the logits of a wrongly labelled row away from its label. `find_errors` cuts the
    ranking by threshold samples: `relabel` gives n / (k + 1) rows to a class that does not exist, the network is
    trained with that class, and rows whose AUM is below the `percentile` of those samples' are suspect. The paper
    trains twice, with other threshold samples, so that every row is judged.

    Use it when the logits of all rows were logged in every epoch (`holdfast.nets.fit(log="evaluation")`). It fails when
    training stops before the network has fitted the easy rows, or goes on long after it has memorised the wrong ones
    (log up to the first drop of the learning rate), and where classes overlap. The cut, unlike the ranking, fails with
    two or three classes: a third of the rows are threshold samples then, and many right labels fall below it.

    >>> epoch_logits = [[[2.0, 0.0, 0.0], [0.0, 1.0, 3.0], [1.0, 0.0, 0.5]],
    ...                 [[4.0, 1.0, 0.0], [0.0, 3.0, 2.0], [2.0, 0.0, 1.0]]]  # margins 2 3, -2 1, -0.5 -1
    >>> AreaUnderTheMargin().score_rows(epoch_logits, y=[0, 1, 2]).tolist()
    [-2.5, 0.5, 0.75]
    >>> sample = [False, False, True]
    >>> AreaUnderTheMargin(percentile=50.0).find_errors(epoch_logits, y=[1, 1, 2], is_bad=sample).tolist()  # < -0.75
    [True, False, False]
    """

    source = "pleiss2020identifying"
    claims = ("learning_symmetric", "learning_class_conditional")
    blind = ("learning_class_overlap",)
    silent: ClassVar[tuple[str, ...]] = ("percentile",)  # of the cut, not of the ranking
    percentile: float = 99.0

    def score_rows(self, epoch_logits: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) minus the area under the margin."""
        return -np.asarray(margins(epoch_logits, y).mean(axis=0))

    def find_errors(self, epoch_logits: np.ndarray, y: np.ndarray, is_bad: np.ndarray) -> np.ndarray:
        """(n,) true where the area is below that of nearly all threshold samples (`is_bad`), false for the samples."""
        if not 0 <= self.percentile <= 100:
            raise ValueError(f"percentile is {self.percentile}; expected 0 to 100: of the threshold samples' areas.")
        samples = np.asarray(is_bad, dtype=bool)
        if not samples.any():
            raise ValueError(
                "is_bad marks no row; expected the threshold samples. `relabel` makes some before training."
            )
        areas = -self.score_rows(epoch_logits, y)
        return (areas < np.percentile(areas[samples], self.percentile)) & ~samples

    @staticmethod
    def relabel(y: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Labels to train on, with threshold samples in the new class k, and the mask of those samples.

        >>> given, is_bad = AreaUnderTheMargin.relabel([0, 1, 1, 0, 1, 0], seed=1)
        >>> int(is_bad.sum()), set(given[is_bad].tolist()), given[~is_bad].tolist()
        (2, {2}, [0, 1, 1, 0])
        """
        given = np.array(y)
        k = int(given.max()) + 1
        chosen = np.random.default_rng(seed).choice(len(given), max(1, len(given) // (k + 1)), replace=False)
        given[chosen] = k
        return given, given == k
