"""What every example's logits were while a network learnt: the raw material of AUM, data maps, forgetting and EL2N."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from holdfast.nets.processes import process_count


@dataclass(frozen=True)
class TrainingLog:
    """Logits of every row after each epoch, or as they passed by during it.

    `epoch_logits` is (t, n, k) float32, NaN where a row was not met in an epoch; `y` is (n,) int, the label trained on
    (-1 where a row was never met). Hand both to the scorers of `holdfast.labels` and `holdfast.selection`.

    >>> log = TrainingLog(np.array([[[2.0, 0.0]], [[0.0, 1.0]]], dtype=np.float32), np.array([0]))
    >>> log.margins().tolist(), log.correct().tolist()
    ([[2.0], [-1.0]], [[True], [False]])
    """

    epoch_logits: np.ndarray
    y: np.ndarray

    def margins(self) -> np.ndarray:
        """(t, n) logit of the label minus the largest other logit."""
        own = np.take_along_axis(self.epoch_logits, self._label, axis=2)[..., 0]
        others = self.epoch_logits.copy()
        np.put_along_axis(others, self._label, -np.inf, axis=2)
        return own - others.max(axis=2)

    def label_probabilities(self) -> np.ndarray:
        """(t, n) probability of the label."""
        return np.exp(-self.losses())

    def losses(self) -> np.ndarray:
        """(t, n) cross-entropy in nats."""
        top = self.epoch_logits.max(axis=2, keepdims=True)
        total = np.log(np.exp(self.epoch_logits - top).sum(axis=2)) + top[..., 0]
        return total - np.take_along_axis(self.epoch_logits, self._label, axis=2)[..., 0]

    def correct(self) -> np.ndarray:
        """(t, n) whether the label had the largest logit; False where the row was not met."""
        return np.nan_to_num(self.margins(), nan=-1.0) > 0

    @property
    def _label(self) -> np.ndarray:
        return np.broadcast_to(np.maximum(self.y, 0)[None, :, None], (*self.epoch_logits.shape[:2], 1))


class Recorder:
    """Fills a training log while batches go by; shards of a distributed run are joined at the end of each epoch."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.epochs: list[np.ndarray] = []
        self.y = np.full(rows, -1, dtype=np.int64)
        self._now: np.ndarray | None = None

    def observe(self, row: Any, logits: torch.Tensor, y: Any) -> None:
        """Logits of a batch whose row numbers and labels are known."""
        if logits.ndim != 2 or len(logits) != len(row):
            raise ValueError(
                f"the training log needs (batch, classes) logits of every row; the model gave {tuple(logits.shape)} "
                f"for {len(row)} rows. Leave `log` out for this model."
            )
        values = logits.detach().float().cpu().numpy()
        if self._now is None:
            self._now = np.full((self.rows, values.shape[1]), np.nan, dtype=np.float32)
        places = np.asarray(row.cpu() if isinstance(row, torch.Tensor) else row)
        if places.max() >= self.rows:
            raise ValueError(f"a batch holds row {places.max()}, but the loader has {self.rows} rows.")
        self._now[places] = values
        self.y[places] = np.asarray(y.cpu() if isinstance(y, torch.Tensor) else y)

    def end_epoch(self) -> None:
        """Close the epoch."""
        if self._now is None:
            return
        if process_count() > 1:
            self._now, self.y = _joined(self._now), _joined(self.y.astype(np.float32)).astype(np.int64)
        self.epochs.append(self._now)
        self._now = None

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"epochs": [torch.from_numpy(epoch) for epoch in self.epochs], "y": torch.from_numpy(self.y)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.epochs, self.y = [epoch.numpy() for epoch in state["epochs"]], state["y"].numpy()

    def log(self) -> TrainingLog:
        """What was recorded so far."""
        if not self.epochs:
            raise ValueError("no epoch was recorded")
        return TrainingLog(np.stack(self.epochs), self.y)


def _joined(local: np.ndarray) -> np.ndarray:
    """Every process's rows in one array: what a process did not see is NaN or -1, smaller than what another saw."""
    low = torch.from_numpy(np.nan_to_num(local, nan=-np.inf))
    torch.distributed.all_reduce(low, op=torch.distributed.ReduceOp.MAX)
    joined = low.numpy()
    return np.where(np.isneginf(joined), np.nan, joined)
