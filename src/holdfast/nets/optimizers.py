"""Optimisers that are not torch's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer


class SharpnessAware(Optimizer):
    r"""Sharpness-aware minimisation: the gradient is taken where the loss is worst within a small ball.

    .. math:: w \leftarrow w - \eta\,\nabla L\!\left(w + \rho\,\frac{\nabla L(w)}{\lVert\nabla L(w)\rVert}\right)

    Two forward and backward passes a step. `base(parameters)` makes the optimiser that takes the step; schedules act on
    it. From "Sharpness-Aware Minimization for Efficiently Improving Generalization", equation 2 and algorithm 1.

    >>> w = nn.Parameter(torch.tensor([2.0]))
    >>> optimizer = SharpnessAware([w], base=lambda part: torch.optim.SGD(part, lr=0.1), radius=0.5)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (w ** 2).sum()
    ...     loss.backward()
    ...     return loss.detach()
    >>> _ = optimizer.step(closure)       # the gradient at 2.5 is 5: 2 - 0.1 * 5
    >>> w.item()
    1.5
    """

    needs_closure = True

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        base: Callable[[list[nn.Parameter]], Optimizer],
        radius: float = 0.05,
    ) -> None:
        if radius < 0:
            raise ValueError(f"radius is {radius}; expected 0 or more.")
        self.base = base(list(parameters))
        super().__init__(self.base.param_groups, self.base.defaults)
        self.param_groups = self.base.param_groups
        self.radius = radius

    def step(self, closure: Callable[[], torch.Tensor]) -> torch.Tensor:  # type: ignore[override]
        """Climb, look, come back, descend; returns the loss before. A loss that is not finite moves nothing."""
        with torch.enable_grad():
            loss = closure()
        moved = self._climb()
        with torch.enable_grad():
            higher = closure()
        with torch.no_grad():
            for parameter, way in moved:
                parameter.sub_(way)
        if torch.isfinite(loss) and torch.isfinite(higher):
            self.base.step()
        return loss if torch.isfinite(higher) else higher

    @torch.no_grad()
    def _climb(self) -> list[tuple[nn.Parameter, torch.Tensor]]:
        every = [parameter for group in self.param_groups for parameter in group["params"]]
        learning = [(parameter, parameter.grad) for parameter in every if parameter.grad is not None]
        if not learning:
            return []
        norm = torch.stack([gradient.norm() for _, gradient in learning]).norm()
        moved = [(parameter, gradient * (self.radius / (norm + 1e-12))) for parameter, gradient in learning]
        for parameter, way in moved:
            parameter.add_(way)
        return moved

    def state_dict(self) -> dict[str, Any]:
        """That of the optimiser that takes the steps."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """That of the optimiser that takes the steps."""
        self.base.load_state_dict(state_dict)
