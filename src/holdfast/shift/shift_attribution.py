"""Attribution of a performance change to the mechanisms that shifted."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits

from holdfast.core import Estimate, Measure
from holdfast.ops.two_sample import TINY, Z90
from holdfast.shift._attribution import Samples, column_features, one_hot


class ShiftAttribution(Measure):
    r"""Shapley values of the mechanisms whose shifts make up a change of the mean loss.

    .. math:: \phi_i = \sum_{S \not\ni i} \frac{|S|!\,(q-|S|-1)!}{q!} (v(S \cup i) - v(S)), \qquad
        v(S) = E_{ref}[r_S\,\ell] \text{ or } E_{cur}[r_{\bar S}^{-1}\,\ell]

    The players are the label mix (with `ref_y` or a numeric `ref_target`), the `players` columns that matter most, the
    other columns together, and the relation between them and the label; columns of one name are one player. The mean
    loss with only the mechanisms S shifted is that of the reference, weighted by the density ratio of S; once the
    relation is in S, that of the current sample, weighted back on all that is not in S. No causal graph is asked for:
    Shapley values average over the orders. The parts sum to the change exactly. Use it when both samples have labels
    and the loss has changed. It fails where the samples hardly overlap, and when a change of the dependence between
    columns is at work: that goes to "relation".

    After a call, `parts_` holds an `Estimate` by name ("label", "column age", "other columns", "relation"), largest
    first; intervals are first-order and include the fit of the ratios.

    >>> x = np.tile([0, 1], 500)  # rows with x = 1 always lose 1, the others 0; three in four rows have x = 1 now
    >>> now = np.repeat([0, 1], [250, 750])
    >>> method = ShiftAttribution(players=1, ridge=0.1)
    >>> total = method.measure(ref_X=x[:, None], ref_loss=x, cur_X=now[:, None], cur_loss=now, columns=["age"])
    >>> round(total.value, 2), {name: round(part.value, 2) for name, part in method.parts_.items()}
    (0.25, {'column age': 0.25, 'relation': 0.0})
    """

    source = "zhang2023why"
    claims = ("label_shift", "concept_shift")
    silent: ClassVar[tuple[str, ...]] = ("seed", "players", "ridge")
    players: int = 4
    ridge: float = 1.0
    seed: int = 0

    def measure(
        self,
        ref_X: np.ndarray,
        ref_loss: np.ndarray,
        cur_X: np.ndarray,
        cur_loss: np.ndarray,
        ref_y: np.ndarray | None = None,
        cur_y: np.ndarray | None = None,
        ref_target: np.ndarray | None = None,
        cur_target: np.ndarray | None = None,
        columns: Any = None,
    ) -> Estimate:
        """The change of the mean loss, current minus reference, with its interval and p-value."""
        n, m = len(ref_loss), len(cur_loss)
        if min(n, m) < 10:
            raise ValueError(
                f"ref_loss has {n} and cur_loss {m} rows; expected at least 10 each to attribute a change."
            )
        loss = np.concatenate([ref_loss, cur_loss]).astype(np.float64)
        samples = Samples(n, m, self.ridge, np.random.default_rng(self.seed))
        names = [f"column {name}" for name in (range(ref_X.shape[1]) if columns is None else columns)]
        mechanisms = samples.mechanisms(column_features(ref_X, cur_X), names, loss, self.players)
        if ref_y is not None and cur_y is not None:
            mechanisms = {"label": one_hot(np.concatenate([ref_y, cur_y])), **mechanisms}
        elif ref_target is not None and cur_target is not None:
            [label] = column_features(ref_target[:, None], cur_target[:, None])
            mechanisms = {"label": label, **mechanisms}
        with threadpool_limits(1, user_api="blas"):  # many small products: waiting threads cost more than they give
            parts = samples.attribute(list(mechanisms.values()), loss)
        named = zip([*mechanisms, "relation"], parts, strict=True)
        self.parts_ = dict(sorted(named, key=lambda item: -abs(item[1].value)))
        return _change(loss[:n], loss[n:])


def _change(ref_loss: np.ndarray, cur_loss: np.ndarray) -> Estimate:
    """Difference of the means with Welch's interval."""
    n, m = len(ref_loss), len(cur_loss)
    value = float(cur_loss.mean() - ref_loss.mean())
    error = float(np.sqrt(ref_loss.var(ddof=1) / n + cur_loss.var(ddof=1) / m))
    if error == 0:
        return Estimate(value, value, value, n + m, TINY if value else 1.0)
    pvalue = max(TINY, 2 * float(stats.norm.sf(abs(value) / error)))
    return Estimate(value, value - Z90 * error, value + Z90 * error, n + m, min(1.0, pvalue))
