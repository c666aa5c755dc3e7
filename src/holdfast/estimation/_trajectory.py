"""The loss along training as a law of size, steps and batch size."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

ROUNDS = 60  # of the fixed point for the loss, which the critical batch size depends on


class Constants(NamedTuple):
    """Of the law; those of language models in nats and tokens (Kaplan et al., 2020) unless given."""

    critical_parameters: float = 8.8e13
    size_exponent: float = 0.076
    critical_steps: float = 2.1e3
    step_exponent: float = 0.76
    critical_batch: float = 2.1e8
    batch_exponent: float = 0.21


def trajectory(parameters: Any, steps: Any, batch_sizes: Any, constants: Constants = Constants()) -> Any:  # noqa: B008
    """The loss that the law gives, found as the fixed point of the loss in its critical batch size.

    >>> round(float(trajectory(8.8e13, 2.1e3 * 101, 2.1e6, Constants(batch_exponent=1e9))), 6)  # 1 + (1 / 1)^.76
    2.0
    """
    loss = np.full(np.broadcast(parameters, steps, batch_sizes).shape, 3.0)
    for _ in range(ROUNDS):
        loss = np.sqrt(loss * once(parameters, steps, batch_sizes, loss, constants))
    return loss


def once(parameters: Any, steps: Any, batch_sizes: Any, loss: Any, constants: Constants) -> Any:
    """The right-hand side: the loss where the critical batch size is that of `loss`."""
    critical = constants.critical_batch / loss ** (1 / constants.batch_exponent)
    fewest = steps / (1 + critical / batch_sizes)
    by_size = (constants.critical_parameters / parameters) ** constants.size_exponent
    return by_size + (constants.critical_steps / fewest) ** constants.step_exponent
