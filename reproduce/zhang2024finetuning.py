"""Fine-tuning with very large dropout: nine in ten of the last features dropped, and only while fine-tuning.

A network of 25 local views that learnt ten digits is tuned to tell odd from even on 200 rows. One pixel, five times as
bright as ink, says the same in 95 % of them and in 10 % of the new rows; one view sees it. So few of the 1600 features
have the mark, and many the digit. Beside plain fine-tuning at the same budget: half of the features dropped, L2 of the
strength that is best on rows as those to learn from, a lower learning rate, the mean of four fine-tuned networks and of
their weights. Then what should undo it: no pretraining, a mark that says nothing, a mark no brighter than ink.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from common import over_seeds, write

from holdfast.faults.worlds.generalization import _marked as marked
from holdfast.generalization import VeryLargeDropout
from holdfast.merging import UniformSoup
from holdfast.nets.objectives import CrossEntropy

SEEDS, OFTEN, RARELY = 5, 0.95, 0.1
RATE, LOWER, STRENGTHS = 0.01, 0.003, (0.001, 0.01, 0.03)
PLAIN, HALF, MOST = CrossEntropy(), VeryLargeDropout(drop=0.5), VeryLargeDropout(drop=0.9)


class Bed(NamedTuple):
    """What is learnt, and judges on rows where the mark says the class as often as there and where it seldom does."""

    lesson: Any
    alike: Any
    turned: Any

    def judged(self, model: Any) -> dict[str, float]:
        """Accuracies of a network, or of several whose probabilities are averaged."""
        return {"mark as learnt": self.alike(model), "mark turned round": self.turned(model)}


class Together(torch.nn.Module):
    """The mean of the probabilities of several networks, as logarithms."""

    def __init__(self, models: list[torch.nn.Module]) -> None:
        super().__init__()
        self.models = torch.nn.ModuleList(models)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(n, k) of the classes."""
        return torch.stack([model(inputs).softmax(1) for model in self.models]).mean(0).log()


def results() -> dict[str, Any]:
    """Accuracies, and the paired gains over plain fine-tuning of the same start, with 90 % intervals over seeds."""
    runs = [one(seed) for seed in range(SEEDS)]
    found: dict[str, Any] = {"seeds": SEEDS}
    for setting in runs[0]:
        rows = [run[setting] for run in runs]
        found[setting] = {name: spread([row[name] for row in rows], [row["plain"] for row in rows]) for name in rows[0]}
    return found


def sample() -> dict[str, Any]:
    """The first seed: plain fine-tuning and nine features in ten dropped."""
    glaring = bed(0)
    return {name: glaring.judged(tuned(glaring, loss)) for name, loss in (("plain", PLAIN), ("dropped", MOST))}


def spread(ours: list[dict[str, float]], plain: list[dict[str, float]]) -> dict[str, Any]:
    """By kind of new rows: the accuracy, and how far it is above that of plain fine-tuning."""
    return {
        kind: {
            "accuracy": round(float(np.mean([one[kind] for one in ours])), 4),
            "gain": over_seeds([a[kind] - b[kind] for a, b in zip(ours, plain, strict=True)]),
        }
        for kind in ours[0]
    }


def one(seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """All settings from one draw of rows and one start."""
    bright = bed(seed)
    settings = {
        "no pretraining": bed(seed, pretrained=False),
        "mark that says nothing": bed(seed, often=0.5, rarely=0.5),
        "mark as bright as ink": bed(seed, brightness=1.0),
    }
    found = {"glaring mark": against_bars(bright)}
    for name, other in settings.items():
        tried = {"plain": PLAIN, "half dropped": HALF, "nine in ten dropped": MOST}
        found[name] = {label: other.judged(tuned(other, loss)) for label, loss in tried.items()}
    return found


def bed(seed: int, often: float = OFTEN, rarely: float = RARELY, **settings: Any) -> Bed:
    """The rows to learn from and the start are the same for both judges: only marks of new rows differ."""
    alike, turned = (marked(seed, often, agree, **settings).truth for agree in (often, rarely))
    return Bed(turned, alike.score, turned.score)


def tuned(bed: Bed, loss: Any, rate: float = RATE, decay: float = 0.0, order: int = 0) -> torch.nn.Module:
    """The network after fine-tuning on rows in this order."""
    momentum = partial(torch.optim.SGD, lr=rate, momentum=0.9, weight_decay=decay, foreach=True)
    loader = copy.copy(bed.lesson.loader)
    loader.seed += 1000 * order
    return bed.lesson._replace(loader=loader).train(loss, optimizer=momentum).model


def against_bars(bed: Bed) -> dict[str, dict[str, float]]:
    """Very large dropout and what it is to beat."""
    four = [tuned(bed, PLAIN, rate, order=order) for order, rate in enumerate((RATE, 0.7 * RATE, 1.4 * RATE, 2 * RATE))]
    decayed = [bed.judged(tuned(bed, PLAIN, decay=strength)) for strength in STRENGTHS]
    return {
        "plain": bed.judged(four[0]),
        "nine in ten dropped": bed.judged(tuned(bed, MOST)),
        "half dropped": bed.judged(tuned(bed, HALF)),
        "L2, chosen where the mark is as learnt": max(decayed, key=lambda row: row["mark as learnt"]),
        "L2, the best in use": max(decayed, key=lambda row: row["mark turned round"]),
        "lower learning rate": bed.judged(tuned(bed, PLAIN, LOWER)),
        "lower learning rate, nine in ten dropped": bed.judged(tuned(bed, MOST, LOWER)),
        "mean of four networks": bed.judged(Together(four)),
        "mean of their weights": bed.judged(UniformSoup().edit(four)),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(__file__, results, sample)
