"""A soup that takes in a model only where validation does not fall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from holdfast.core import Editor
from holdfast.merging._models import Model, merged, state_of


class GreedySoup(Editor):
    r"""Models in order of their validation score; each joins the mean if the score of the mean does not fall.

    .. math:: \theta \leftarrow \frac{m\,\theta + \theta_t}{m + 1} \quad\text{if}\quad
       \mathrm{score}(\cdot) \ge \mathrm{score}(\theta)

    Use it when some fine-tuning runs may be bad and validation rows are at hand: on these rows it is never worse than
    the best single run. It fails where the validation rows are few (it follows their noise) or are the test rows.

    After `edit`, `scores_` are the scores of the single models and `kept_` the places of those in the soup, in order.

    >>> good, fair, bad = ({"w": torch.tensor([value])} for value in (1.0, 1.5, 9.0))
    >>> near_one = lambda state: -abs(state["w"].item() - 1.2)
    >>> soup = GreedySoup()
    >>> soup.edit([bad, fair, good], near_one)["w"].tolist(), soup.kept_
    ([1.25], [2, 1])
    """

    source = "wortsman2022soups"
    claims = ("fine_tunes", "one_bad_run")

    def edit(self, models: Sequence[Model], evaluate: Callable[[Any], float]) -> Any:
        """The soup; `evaluate(model)` gives a validation score, larger = better, for a model in the form given."""
        if not models:
            raise ValueError("no model was given to merge.")
        self.scores_ = [float(evaluate(model)) for model in models]
        order = sorted(range(len(models)), key=lambda place: -self.scores_[place])
        self.kept_ = order[:1]
        soup, best = merged([models[order[0]]], lambda name, tensors: tensors[0].clone()), self.scores_[order[0]]
        for place in order[1:]:
            share = 1 / (len(self.kept_) + 1)
            tried = merged([soup, state_of(models[place])], _mixed(share))
            score = float(evaluate(tried))
            if score >= best:
                soup, best = tried, score
                self.kept_ = [*self.kept_, place]
        return soup


def _mixed(share: float) -> Callable[[str, list[torch.Tensor]], torch.Tensor]:
    def rule(_name: str, tensors: list[torch.Tensor]) -> torch.Tensor:
        return tensors[0].float() * (1 - share) + tensors[1].float() * share

    return rule
