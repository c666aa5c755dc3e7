"""Arrays as batches: what a training loop and a feature extraction iterate over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from holdfast.nets.processes import process_count, process_rank


class Batches:
    """Batches of in-memory arrays, as dicts: `inputs`, `row`, and whatever else was given (`y`, `group`, `weight`).

    Parameters
    ----------
    inputs
        (n, ...) array or tensor, or a mapping of named ones (`input_ids`, `attention_mask`). Floats become float32.
    y
        (n,) class codes or numbers; integers become int64, floats float32.
    batch_size
        Rows a batch; the last one may be smaller. `drop_last` leaves a smaller one out.
    shuffle
        A new order every epoch, set by `seed` and the epoch alone: resuming in epoch 7 sees epoch 7's order.
    arrays
        Further (n, ...) arrays by name, cut the same way.

    Under torch's distributed launcher every process gets its own equal share of each epoch's rows.

    >>> batches = Batches(np.arange(5.0)[:, None], [0, 1, 0, 1, 0], batch_size=2)
    >>> [batch["row"].tolist() for batch in batches], len(batches)
    ([[0, 1], [2, 3], [4]], 3)
    """

    def __init__(
        self,
        inputs: Any,
        y: Any = None,
        *,
        batch_size: int = 64,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int = 0,
        **arrays: Any,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; expected at least 1.")
        named = inputs if isinstance(inputs, Mapping) else {"inputs": inputs}
        self._inputs = {name: as_tensor(name, value) for name, value in named.items()}
        self._is_mapping = isinstance(inputs, Mapping)
        given = {"y": y, **arrays} if y is not None else arrays
        self.arrays = {name: as_tensor(name, value) for name, value in given.items()}
        self.rows = _common_length({**self._inputs, **self.arrays})
        self.batch_size, self.shuffle, self.drop_last, self.seed = batch_size, shuffle, drop_last, seed
        self.epoch = 0

    def __len__(self) -> int:
        share = -(-self.rows // process_count())
        return share // self.batch_size if self.drop_last else -(-share // self.batch_size)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        order = self._share(process_rank(), process_count())
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            if self.drop_last and len(rows) < self.batch_size:
                return
            yield self.take(rows)

    def take(self, rows: torch.Tensor) -> dict[str, Any]:
        """The batch of these row numbers."""
        parts = {name: value[rows] for name, value in self._inputs.items()}
        inputs = parts if self._is_mapping else parts["inputs"]
        return {"inputs": inputs, "row": rows, **{name: value[rows] for name, value in self.arrays.items()}}

    def _share(self, rank: int, world: int) -> torch.Tensor:
        """This process's rows of the epoch; the order is padded from its start so that all have equally many."""
        order = torch.arange(self.rows)
        if self.shuffle:
            rng = np.random.default_rng([self.seed, self.epoch])
            order = torch.from_numpy(rng.permutation(self.rows))
        missing = -len(order) % world
        return torch.cat([order, order[:missing]])[rank::world]


def as_tensor(name: str, value: Any) -> torch.Tensor:
    """A tensor of the house's types: float32 for floats (half precision is kept), int64 for integers."""
    try:
        tensor = value.detach() if isinstance(value, torch.Tensor) else torch.from_numpy(np.array(value))
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{name} cannot be made a tensor: {problem}. Expected numbers in a regular array.") from None
    if tensor.ndim == 0:
        raise ValueError(f"{name} is a single number; expected an array with one entry per row.")
    if tensor.dtype == torch.float64:
        return tensor.float()
    if tensor.dtype in (torch.uint8, torch.int8, torch.int16, torch.int32):
        return tensor.long()
    return tensor


def as_batch(batch: Any) -> dict[str, Any]:
    """What a loader yields as the house's dict: a mapping as it is, `(inputs, y, ...)` by position."""
    if isinstance(batch, Mapping):
        if "inputs" in batch:
            return dict(batch)
        extra = {name: batch[name] for name in ("y", "labels", "row", "group", "weight") if name in batch}
        inputs = {name: value for name, value in batch.items() if name not in extra}
        if "labels" in extra:
            extra["y"] = extra.pop("labels")
        return {"inputs": inputs, **extra}
    if isinstance(batch, (tuple, list)):
        names = ("inputs", "y", "row", "group")
        if len(batch) > len(names):
            raise ValueError(f"a batch of {len(batch)} parts; expected at most {len(names)}: {', '.join(names)}.")
        return dict(zip(names, batch, strict=False))
    return {"inputs": batch}


def whole(loader: Any) -> dict[str, Any]:
    """All rows of a loader as one batch, in the order of their numbers where it knows them."""
    if isinstance(loader, Batches):
        return loader.take(torch.arange(loader.rows))
    batches = [as_batch(batch) for batch in loader]
    every = {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}
    order = every["row"].argsort() if "row" in every else slice(None)
    return {name: value[order] for name, value in every.items()}


def batch_rows(batch: Mapping[str, Any]) -> int:
    """How many rows a batch has."""
    inputs = batch["inputs"]
    if isinstance(inputs, Mapping):
        inputs = next(iter(inputs.values()))
    return len(inputs[0] if isinstance(inputs, (tuple, list)) else inputs)


def _common_length(named: dict[str, torch.Tensor]) -> int:
    first, rows = next((name, len(value)) for name, value in named.items())
    for name, value in named.items():
        if len(value) != rows:
            raise ValueError(f"{name} has {len(value)} rows, but {first} has {rows}.")
    if rows == 0:
        raise ValueError(f"{first} has no rows.")
    return rows
