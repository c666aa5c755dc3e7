"""Mahalanobis distances at several depths of a network, after a step towards the nearest class."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from holdfast.core import Scorer
from holdfast.nets.calling import forward, tensor_of
from holdfast.nets.features import head_name
from holdfast.ood._images import chunks, layer_outputs, stepped
from holdfast.ops.covariance import tied_gaussian


class MultiLayerMahalanobis(Scorer):
    r"""The mean over layers of the distance to the nearest class, in units of its spread on rows that are in order.

    .. math:: s(x) = \frac1L \sum_l \frac{d_l(\tilde x_l) - m_l}{q_l}, \quad d_l(x) = \min_c
              (f_l(x) - \mu_{lc})^\top \Sigma_l^{-1} (f_l(x) - \mu_{lc}), \quad
              \tilde x_l = x - \epsilon \operatorname{sign} \nabla_x d_l(x)

    f are outputs of `layers` (by default of every stage before the head), the mean over places; m and q are median and
    interquartile range over the rows of `fit`; `step` is :math:`\epsilon`, in units of the images; `shrinkage` as in
    `Mahalanobis`.

    Use it on images that may differ from known ones at any depth, in texture as in content. It fails where a layer
    that varies for other reasons drowns those that tell, and costs two passes a layer.

    >>> net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(8, 2))
    >>> known = np.linspace(0, 1, 24).reshape(6, 1, 2, 2)
    >>> finder = MultiLayerMahalanobis(layers=("0", "1"), step=0.0, shrinkage=0.5)
    >>> finder = finder.fit(images=known, y=[0, 0, 0, 1, 1, 1], model=net)
    >>> scores = finder.score_rows(images=np.concatenate([known[1:2], known[:1] + 9]), model=net)
    >>> bool(scores[1] > scores[0] + 5)
    True
    """

    source = "lee2018mahalanobis"
    claims = ("images_held_out_class", "images_noise")
    silent: ClassVar[tuple[str, ...]] = ("layers",)  # no law can guess names of layers
    layers: tuple[str, ...] = ()
    step: float = 0.01
    shrinkage: float | None = 0.001

    def fit(self, images: np.ndarray, y: np.ndarray, model: Any) -> MultiLayerMahalanobis:
        """Learn class means and the shared covariance of every layer, and how distances spread."""
        next(chunks(images, model))
        self.layers_ = self.layers or stages(model)
        seen = layer_outputs(images, model, self.layers_)
        self.gaussians_ = {name: tied_gaussian(values, y, self.shrinkage) for name, values in seen.items()}
        distances = self._distances(images, model)
        low, self.middle_, high = np.quantile(distances, [0.25, 0.5, 0.75], axis=0)
        self.spread_ = np.where(high > low, high - low, 1.0)
        return self

    def score_rows(self, images: np.ndarray, model: Any) -> np.ndarray:
        """(n,) larger = further from every class."""
        return ((self._distances(images, model) - self.middle_) / self.spread_).mean(axis=1)

    def _distances(self, images: np.ndarray, model: Any) -> np.ndarray:
        """(n, layers) distances after the step."""
        columns = []
        for name, gaussian in self.gaussians_.items():
            whiten = torch.from_numpy(gaussian.whiten)
            centres = torch.from_numpy(gaussian.means) @ whiten
            layer, found = model.get_submodule(name), []

            def distance(x: torch.Tensor) -> torch.Tensor:
                white = _output(model, layer, x).double() @ whiten.to(x.device)  # noqa: B023 - used at once
                return torch.cdist(white, centres.to(x.device)).square().min(1).values  # noqa: B023

            for rows in chunks(images, model):
                moved = stepped(rows, model, distance, self.step) if self.step else rows
                found.append(layer_outputs(moved.cpu().numpy(), model, (name,))[name])
            columns.append(gaussian.nearest(np.concatenate(found)))
        return np.stack(columns, axis=1)


def stages(model: nn.Module) -> tuple[str, ...]:
    """The parts of a network in order, those of a sequence one by one, up to the head."""
    names = []
    for name, part in model.named_children():
        blocks = [f"{name}.{inner}" for inner, block in part.named_children() if list(block.children())]
        names += blocks if isinstance(part, nn.Sequential) and blocks else [name]
    head = head_name(model)
    kept = [name for name in names if name != head and list(model.get_submodule(name).parameters())]
    return tuple(kept) or (head,)


def _output(model: nn.Module, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What the layer gives for these inputs, with gradients, the mean over places."""
    kept: list[torch.Tensor] = []
    handle = layer.register_forward_hook(lambda _m, _i, output: kept.append(tensor_of(output)))
    try:
        forward(model, x)
    finally:
        handle.remove()
    values = kept[0].transpose(1, 2) if kept[0].ndim == 3 else kept[0]
    return values.flatten(2).mean(2) if values.ndim > 2 else values
