"""What happens inside a network: outputs and inputs of any layer over a whole loader, by hooks, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from holdfast.nets.batches import as_batch
from holdfast.nets.calling import device_of, eager, evaluating, forward, move, tensor_of

Pool = Literal["mean", "max", "first", "none"]
OUTPUT = ""  # the name of the model itself: its logits


def layer_names(model: nn.Module) -> list[str]:
    """Every layer that can be asked for, in the order of definition; the model's own output is the empty name.

    >>> layer_names(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    ['0', '1']
    """
    return [name for name, _ in eager(model).named_modules() if name]


def head_name(model: nn.Module) -> str:
    """The last linear layer: the classifier's head in nearly every architecture.

    >>> head_name(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)))
    '2'
    """
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(f"{type(model).__name__} has no linear layer; name the layer to read.")
    return linear[-1]


def extract(
    model: nn.Module,
    loader: Iterable[Any],
    layers: Sequence[str] = (OUTPUT,),
    *,
    pool: Pool = "mean",
    precision: torch.dtype | None = None,
) -> dict[str, np.ndarray]:
    """Outputs (or inputs) of layers for every row of a loader: one forward pass, whatever the number of layers.

    Parameters
    ----------
    model
        Any `nn.Module`; it is read in evaluation mode and left as it was. Of one made by `torch.compile`, layers are
        those of the network behind it, which then runs as it was written.
    layers
        Names from `layer_names`; "" is the model's logits; "NAME:input" is what goes into a layer; "head" and
        "head:input" mean the last linear layer, so that "head:input" is what the field calls the features.
    pool
        How positions become one vector a row: over the pixels of (n, c, h, w) maps and the tokens of (n, t, c)
        sequences; "first" takes the first token (the class token); "none" keeps the shape.
    precision
        A dtype for autocast, such as `torch.bfloat16`.

    Returns
    -------
    dict
        By the name that was asked for, (n, d) float32; (n, ...) with pool "none". Memory is that of the result.

    Examples
    --------
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    >>> _ = net[1].weight.data.copy_(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    >>> found = extract(net, [torch.tensor([[1.0, 2.0]])], ["", "head:input"])
    >>> found[""].tolist(), found["head:input"].tolist()
    ([[1.0, 3.0]], [[1.0, 2.0]])
    """
    if any(name != OUTPUT for name in layers):
        model = eager(model)
    watch = {name: _find(model, name) for name in layers}
    kept: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    now: dict[str, torch.Tensor] = {}
    handles = [_attach(*found, partial(now.__setitem__, name)) for name, found in watch.items()]
    device = device_of(model)
    autocast = torch.autocast(device.type, dtype=precision or torch.float32, enabled=precision is not None)
    try:
        with torch.inference_mode(), evaluating(model), autocast:
            for given in loader:
                now.clear()
                output = forward(model, move(as_batch(given)["inputs"], device))
                for name in layers:
                    if name not in now and name != OUTPUT:
                        raise ValueError(f"layer {name!r} took no part in the forward pass.")
                    kept[name].append(_pooled(now.get(name, output), pool))
    finally:
        for handle in handles:
            handle.remove()
    if not kept[layers[0]]:
        raise ValueError("the loader is empty: it yields no batch.")
    return {name: np.concatenate(parts) for name, parts in kept.items()}


def predict(model: nn.Module, loader: Iterable[Any], *, precision: torch.dtype | None = None) -> np.ndarray:
    """(n, k) float32 logits of every row; the model is read in evaluation mode."""
    return extract(model, loader, precision=precision, pool="none")[OUTPUT]


def _find(model: nn.Module, name: str) -> tuple[nn.Module, bool]:
    """The module of a name, and whether its input is wanted."""
    bare, _, part = name.partition(":")
    if part not in ("", "input"):
        raise ValueError(f"layer {name!r}: expected NAME or NAME:input.")
    known = dict(model.named_modules())
    if bare == "head" and "head" not in known:
        bare = head_name(model)
    if bare not in known:
        close = get_close_matches(bare, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else f" It has: {', '.join(list(known)[1:20])}."
        raise ValueError(f"{type(model).__name__} has no layer {bare!r}.{hint}")
    return known[bare], part == "input"


def _attach(module: nn.Module, wants_input: bool, keep: Callable[[torch.Tensor], None]) -> Any:
    def hook(_module: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        keep(tensor_of(given) if wants_input else tensor_of(output))

    return module.register_forward_hook(hook)


def _pooled(values: torch.Tensor, pool: Pool) -> np.ndarray:
    values = values.float()
    if pool != "none" and values.ndim == 3:
        values = values.transpose(1, 2)
    if pool != "none" and values.ndim > 2:
        flat = values.flatten(2)
        values = flat.mean(2) if pool == "mean" else flat.amax(2) if pool == "max" else flat[..., 0]
    return values.cpu().numpy()
