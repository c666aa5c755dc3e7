"""The Effect of Natural Distribution Shift on Question Answering Models: graded drops, slopes, and people.

The published scores of about a hundred models and of three annotators on four test sets of the SQuAD kind. The new
Wikipedia set stands for the usual one: scores on the original are not in the file.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
from common import data, write

from holdfast.ops.lines import least_squares, probit

SETS = {"nyt": "New York Times", "reddit": "Reddit", "amazon": "Amazon reviews"}
PUBLISHED = {"nyt": 3.8, "reddit": 14.0, "amazon": 17.4}


def results() -> dict[str, Any]:
    """The drop of F1 from Wikipedia, the line on probit axes, and the drop of people, for every other source."""
    models, people = scores("models"), scores("humans")
    found: dict[str, Any] = {"published_drops_from_the_original_set": PUBLISHED}
    for name in SETS:
        shared = sorted(models["new-wiki"].keys() & models[name].keys())
        usual, shifted = (np.array([models[part][one] for one in shared]) for part in ("new-wiki", name))
        line = least_squares(probit(usual / 100)[:, None], probit(shifted / 100))
        spread = float(((probit(shifted / 100) - probit(shifted / 100).mean()) ** 2).sum())
        found[name] = {
            "models": len(shared),
            "drop": list(least_squares(np.empty((len(shared), 0)), usual - shifted).interval(0)),
            "probit_slope": list(line.interval(1)),
            "explained": 1 - float(line.residuals @ line.residuals) / spread,
            "drop_of_people": float(np.mean(list(people["new-wiki"].values())) - np.mean(list(people[name].values()))),
        }
    return found


def scores(who: str) -> dict[str, dict[str, float]]:
    """F1 in points by test set and name."""
    with gzip.open(data("squadshifts", "results.json.gz"), "rt", encoding="utf-8") as file:
        content = json.load(file)
    return {
        name: {row["name"]: float(row[f"{name}_f1"]) for row in part[who]}
        for name, part in content.items()
        if name in (*SETS, "new-wiki")
    }


if __name__ == "__main__":
    write(__file__, results)
