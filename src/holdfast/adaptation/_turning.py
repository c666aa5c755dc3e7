"""A network and its side: a second head that tells by how many right angles an image is turned."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.nets.calling import forward
from holdfast.nets.features import head_name
from holdfast.nets.objectives import class_logits

TURNS = 4  # by 0, 90, 180 and 270 degrees


class Pair(nn.Module):
    """A network and its side: a copy that shares the first layers' weights and has a head for turns."""

    def __init__(self, model: nn.Module, shared: float) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise ValueError(f"the model to adapt is {type(model).__name__}; expected a torch module.")
        self.main, self.side = copy.deepcopy(model), copy.deepcopy(model)
        layers = [name for name, layer in model.named_modules() if layer._parameters]
        count = round(shared * len(layers))
        if not 0 < count < len(layers):
            raise ValueError(
                f"a share of {shared:g} of the {len(layers)} layers with weights is {count} layers; TTT needs some to "
                "share with its second head and some that it does not. Set `shared`."
            )
        for name in layers[:count]:
            for part, weight in self.main.get_submodule(name)._parameters.items():
                self.side.get_submodule(name)._parameters[part] = weight
        name = head_name(model)
        old = model.get_submodule(name)
        parent, _, place = name.rpartition(".")
        head = nn.Linear(old.in_features, TURNS).to(old.weight)  # type: ignore[arg-type]
        setattr(self.side.get_submodule(parent), place, head)


class Turns:
    """How far an image was turned; and its class too, where both heads learn together."""

    def __init__(self, joint: bool) -> None:
        self.joint = joint

    def loss(self, model: Any, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The cross-entropy of the turns, or the sum of both."""
        turns = torch.randint(TURNS, (len(inputs),))
        turned = torch.stack([image.rot90(int(k), (1, 2)) for image, k in zip(inputs, turns, strict=True)])
        told = functional.cross_entropy(forward(model.side, turned).float(), turns.to(inputs.device))
        return functional.cross_entropy(class_logits(model.main, inputs, y), y) + told if self.joint else told


def squares(images: Any) -> torch.Tensor:
    """The images, after it is clear that they can be turned."""
    if not isinstance(images, torch.Tensor) or images.ndim != 4 or images.shape[2] != images.shape[3]:
        raise ValueError("TTT turns images by right angles; expected one tensor (n, channels, size, size).")
    return images
