"""The same network with its hidden units in another's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from holdfast.core import Editor
from holdfast.merging._models import Model, state_of, with_state
from holdfast.merging._units import Place, chain_units, check_units, unit_products


class PermutationAlignment(Editor):
    r"""Weight matching: the order of hidden units that brings a network's weights closest to another's.

    .. math:: \max_{P} \sum_l \langle W^A_l,\; P_l W^B_l P_{l-1}^\top \rangle

    by exact assignment of one layer at a time, in random order, until none improves. The network computes the same as
    before; what changes is that it can be averaged with the other. Use it before merging networks of one architecture
    that were trained from different starts. It fails to help where they learnt different features (narrow layers,
    short training): matching brings top singular directions together, hardly the distance.

    `units` names, for every hidden layer, the axes that carry its units: `[[("0.weight", 0), ("0.bias", 0),
    ("2.weight", 1)]]`. Without it a plain chain of linear and convolutional layers, with normalisation between, is
    assumed; for anything else (shortcuts, attention) it must be given. After `edit`, `orders_` are the permutations.

    >>> ours = {"0.weight": torch.tensor([[1.0], [5.0]]), "1.weight": torch.tensor([[2.0, 3.0]])}
    >>> theirs = {"0.weight": torch.tensor([[5.0], [1.0]]), "1.weight": torch.tensor([[3.0, 2.0]])}
    >>> made = PermutationAlignment().edit(theirs, ours)
    >>> made["0.weight"].tolist(), made["1.weight"].tolist()
    ([[1.0], [5.0]], [[2.0, 3.0]])
    """

    source = "ainsworth2023rebasin"
    claims = ("strangers",)
    sweeps: int = 50
    seed: int = 0
    silent = ("sweeps", "seed")  # they set how the same optimum is looked for

    def edit(self, model: Model, reference: Model, units: list[list[Place]] | None = None) -> Any:
        """The model, its units in the order that is closest to the reference's."""
        state, target = dict(state_of(model)), state_of(reference)
        layers = [[Place(*place) for place in layer] for layer in units] if units else chain_units(state)
        check_units(layers, state, target)
        self.orders_ = [np.arange(state[layer[0].name].shape[layer[0].axis]) for layer in layers]
        self._climb(layers, state, target)
        return with_state(model, state) if isinstance(model, nn.Module) else state

    def _climb(
        self, layers: list[list[Place]], state: dict[str, torch.Tensor], target: Mapping[str, torch.Tensor]
    ) -> None:
        from scipy.optimize import linear_sum_assignment

        rng = np.random.default_rng(self.seed)
        for _ in range(self.sweeps):
            moved = False
            for number in rng.permutation(len(layers)):
                likeness = np.sum(
                    [unit_products(target[at.name], state[at.name], at.axis) for at in layers[number]], axis=0
                )
                _, order = linear_sum_assignment(likeness, maximize=True)
                now, best = np.trace(likeness), likeness[np.arange(len(order)), order].sum()
                if best <= now + 1e-9 * abs(now):
                    continue
                moved = True
                self.orders_[number] = self.orders_[number][order]
                for place in layers[number]:
                    state[place.name] = state[place.name].index_select(place.axis, torch.from_numpy(order))
            if not moved:
                return
