"""Why the mean loss changed between two labelled sets: what PER003 reports and what `holdfast explain` is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from holdfast.audit.evidence import without_gaps
from holdfast.audit.load import Task
from holdfast.core import Estimate
from holdfast.shift import ShiftAttribution

LEAST_ROWS = 50
MOST_COLUMNS = 100  # of more, those whose mean moved most are looked at
COVARIATE, LABEL, RELATION = "covariate", "label", "relation"


class Change(NamedTuple):
    """The change of the mean loss from training to test, and what it is made of, largest part first.

    `parts` are by mechanism, in words; `kinds` says for each whether it is of covariates, the label or the relation.
    `split` is between those three alone, a game of its own: its parts sum to the change as well.
    """

    change: Estimate
    parts: dict[str, Estimate]
    kinds: dict[str, str]
    split: dict[str, Estimate]

    def is_sure(self, level: float) -> bool:
        """Whether the mean loss changed beyond chance."""
        return self.change.pvalue is not None and self.change.pvalue < level


def attribute_change(
    train_X: np.ndarray, train_y: np.ndarray, train_loss: np.ndarray, test_X: np.ndarray, test_y: np.ndarray,
    test_loss: np.ndarray, names: list[str], task: Task, seed: int, groups: Mapping[str, str] | None = None,
    players: int = 4,
) -> Change:  # fmt: skip
    """Shapley shares of the label mix, of the columns that matter most and of the relation, in the change of the loss.

    `groups` maps columns to the name of their group: then the groups are the causes, and all other columns are one.
    """
    answer = "target" if task.kind == "regression" else "y"
    ref_X, cur_X = without_gaps(train_X, test_X)
    moved = _most_moved(ref_X, cur_X)
    given = {
        "ref_X": ref_X[:, moved], "cur_X": cur_X[:, moved], "ref_loss": train_loss, "cur_loss": test_loss,
        f"ref_{answer}": train_y, f"cur_{answer}": test_y,
        "columns": [groups.get(names[place], "all other columns") if groups else names[place] for place in moved],
    }  # fmt: skip
    method = ShiftAttribution(seed=seed, players=len(set(groups.values())) + 1 if groups else players)
    change = method.measure(**given)
    whole = ShiftAttribution(seed=seed, players=0)
    whole.measure(**given)
    return Change(
        change,
        {_name(name): part for name, part in method.parts_.items()},
        {_name(name): _kind(name) for name in method.parts_},
        {_kind(name): part for name, part in whole.parts_.items()},
    )


def unit_of(task: Task) -> str:
    """What the mean loss is called."""
    return "mean absolute error" if task.kind == "regression" else "error rate"


def _most_moved(ref_X: np.ndarray, cur_X: np.ndarray) -> list[int]:
    spread = ref_X.std(axis=0) + cur_X.std(axis=0) + 1e-12
    moved = np.abs(ref_X.mean(axis=0) - cur_X.mean(axis=0)) / spread
    return sorted(np.argsort(-moved, kind="stable")[:MOST_COLUMNS].tolist())


def _kind(part: str) -> str:
    return {"label": LABEL, "relation": RELATION}.get(part, COVARIATE)


def _name(part: str) -> str:
    plain = {
        "label": "the class mix",
        "relation": "a changed relation between features and target",
        "other columns": "the shift of all other columns",
    }
    return plain.get(part, f"the shift of {part.removeprefix('column ')}")
