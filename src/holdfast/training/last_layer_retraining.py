"""Last layer retraining (deep feature reweighting)."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.batches import whole
from holdfast.nets.features import extract
from holdfast.nets.objectives import class_logits, head_of


class LastLayerRetraining(Objective):
    r"""A plainly trained network whose head is fitted again, on rows kept back in which all groups are equally many.

    .. math:: W^\star = \frac1m \sum_{b=1}^m \arg\min_W \sum_{i \in B_b} \ell(W z_i, y_i)
       + \tfrac1C \lVert W \rVert_1

    z are the standardised features of the trained network, B_b random subsets of the rows kept back with as many rows
    of every group as the smallest has. `share` of the rows is kept back, `subsets` is m, `strength` C. Training itself
    is plain, on the other rows; `assembled(model)` gives the network with the new head.

    Use it when groups are known for some rows and the network is trained already: features mostly hold what is needed,
    and the head weighs it wrongly. It fails where a group has a handful of rows in all, and where the features have
    lost what the shortcut makes needless.

    >>> y = torch.tensor([0, 1] * 4)
    >>> rows = {"inputs": y[:, None] + 1.0, "y": y, "group": y, "row": torch.arange(8)}
    >>> objective = LastLayerRetraining(share=0.4, subsets=2, strength=9.0, seed=1).fit([rows])
    >>> made = objective.assembled(nn.Sequential(nn.Linear(1, 2)))
    >>> made(torch.tensor([[1.0], [2.0]])).argmax(1).tolist(), int(objective.kept_back_.sum())
    ([0, 1], 4)
    """

    source = "kirichenko2023last"
    claims = ("shortcut",)
    share: float = 0.5
    subsets: int = 10
    strength: float = 1.0
    seed: int = 0

    def fit(self, loader: Any) -> Self:
        """Keep rows back, the same share of every group."""
        self.rows_ = whole(loader)
        group = self.rows_["group"].cpu().numpy()
        rng = np.random.default_rng(self.seed)
        back = np.zeros(len(group), dtype=bool)
        for code in np.unique(group):
            members = rng.permutation(np.flatnonzero(group == code))
            back[members[: max(1, round(self.share * len(members)))]] = True
        self.kept_back_ = torch.from_numpy(back)
        return self

    def loss(self, model: nn.Module, inputs: Any, y: torch.Tensor, row: torch.Tensor, **_: Any) -> torch.Tensor:
        """The plain mean over the rows of the batch that are not kept back."""
        losses = functional.cross_entropy(class_logits(model, inputs, y), y, reduction="none")
        used = (~self.kept_back_.to(losses.device)[row]).float()
        return (used * losses).sum() / used.sum().clamp(min=1)

    def assembled(self, model: nn.Module) -> nn.Module:
        """A copy with the new head."""
        back = self.kept_back_
        inputs, y, group = (self.rows_[name][back] for name in ("inputs", "y", "group"))
        features = extract(model, [{"inputs": inputs}], ["head:input"])["head:input"].astype(np.float64)
        centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
        made = copy.deepcopy(model)
        head = head_of(made)
        weight, bias = self._averaged((features - centre) / scale, y.numpy(), group.numpy(), head.out_features)
        weight /= scale
        head.weight.data.copy_(torch.from_numpy(weight))
        head.bias.data.copy_(torch.from_numpy(bias - weight @ centre))
        return made.eval()

    def _averaged(self, z: np.ndarray, y: np.ndarray, group: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients by class, the mean over fits on balanced subsets."""
        from sklearn.linear_model import LogisticRegression

        rng = np.random.default_rng(self.seed)
        codes, counts = np.unique(group, return_counts=True)
        weight, bias = np.zeros((k, z.shape[1])), np.zeros(k)
        for _ in range(self.subsets):
            parts = [rng.permutation(np.flatnonzero(group == code))[: counts.min()] for code in codes]
            rows = np.concatenate(parts)
            model = LogisticRegression(
                C=self.strength, l1_ratio=1.0, solver="saga", tol=0.01, max_iter=1000, random_state=self.seed
            )
            model.fit(z[rows], y[rows])
            coefficients, constants = model.coef_, model.intercept_
            if len(model.classes_) == 2:
                coefficients = np.concatenate([-coefficients, coefficients]) / 2
                constants = np.concatenate([-constants, constants]) / 2
            weight[model.classes_] += coefficients / self.subsets
            bias[model.classes_] += constants / self.subsets
        return weight, bias
