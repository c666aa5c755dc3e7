"""Selective prediction: what is gained, and what is left unanswered, by refusing unfamiliar rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.audit.fitting import row_loss
from holdfast.audit.load import Task
from holdfast.core import Estimate


def selective_risk(predicted: np.ndarray, truth: np.ndarray, accepted: np.ndarray, task: Task) -> dict[str, Any]:
    """Coverage and risk of the accepted rows, with exact 90 % intervals for a share of errors.

    `predicted` is one fit's (n, ...); `accepted` (n,) was decided without labels. `lower` is how much smaller the risk
    is on accepted rows than on all, with its interval: the rows that decide it are the same. Risk is the share of
    wrong classes, or the mean absolute error of a numeric target.
    """
    loss = row_loss(predicted, truth, task)
    inside = loss[accepted]
    is_share = task.kind != "regression"
    return {
        "coverage": _share(int(accepted.sum()), len(accepted))._asdict(),
        "risk": (_share(int(inside.sum()), len(inside)) if is_share else _mean(inside))._asdict(),
        "risk_of_all": (_share(int(loss.sum()), len(loss)) if is_share else _mean(loss))._asdict(),
        "lower": _lower(loss, accepted)._asdict(),
    }


def _lower(loss: np.ndarray, accepted: np.ndarray) -> Estimate:
    """Risk of all minus risk of the accepted, by the influence of every row."""
    share, inside = accepted.mean(), loss[accepted].mean()
    value = float(loss.mean() - inside)
    pulls = (loss - loss.mean()) - accepted * (loss - inside) / share
    error = float(pulls.std(ddof=1) / np.sqrt(len(loss)))
    return Estimate(value, value - 1.645 * error, value + 1.645 * error, len(loss))


def _share(hits: int, n: int) -> Estimate:
    """Clopper-Pearson: at least 90 % whatever the share.

    >>> [round(number, 3) for number in _share(0, 20)[:3]]  # 1 - .05^(1/20) = .139
    [0.0, 0.0, 0.139]
    """
    from scipy.special import betaincinv

    low = float(betaincinv(hits, n - hits + 1, 0.05)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 0.95)) if hits < n else 1.0
    return Estimate(hits / n, low, high, n)


def _mean(loss: np.ndarray) -> Estimate:
    value, error = float(loss.mean()), float(loss.std(ddof=1) / np.sqrt(len(loss)))
    return Estimate(value, value - 1.645 * error, value + 1.645 * error, len(loss))
