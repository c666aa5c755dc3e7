"""Language models scale reliably with over-training: five small runs predict the loss and error of large ones.

The published runs (three corpora, losses on C4's validation part); the law is fitted on the five runs of the paper's
table 2 and compared with the 1.4B and 6.9B runs. The downstream curve adds the 1.4B run of 20 tokens a parameter, as
the paper does; its tasks are those that a run of middle size solves ten points above chance, the paper's rule, though
not its list of 17.
"""

from __future__ import annotations

import json
import tarfile
from typing import Any

import numpy as np
import polars as pl
from common import data, write

from holdfast.estimation import DownstreamError, OvertrainingScaling

CORPORA = {"c4_original": "C4", "rpj": "RedPajama", "rw_original": "RefinedWeb"}
SMALL = ("d=96_l=8_h=4-1.0", "d=512_l=8_h=4-1.0", "d=576_l=24_h=8-1.0", "d=1024_l=24_h=8-1.0", "d=96_l=8_h=4-16.0")
MIDDLE = "-d=576_l=24_h=8-1.0"  # a task counts where this run lies MARGIN above chance on every corpus
MARGIN = 0.1


def results() -> dict[str, Any]:
    """For every large run: loss and error, what was predicted, and the relative error of the prediction."""
    runs = published()
    found: dict[str, Any] = {}
    for corpus, name in CORPORA.items():
        small = [runs[f"{corpus}-{label}"] for label in SMALL]
        anchors = [*small, runs[f"{corpus}-open_lm_1b-1.0"]]
        columns = [np.array([run[key] for run in small]) for key in ("parameters", "tokens", "loss")]
        curve = [np.array([run[key] for run in anchors]) for key in ("loss", "error")]
        large = [label for label in runs if label.startswith(f"{corpus}-open_lm") and runs[label] not in anchors]
        for label in sorted(large):
            run = runs[label]
            law = OvertrainingScaling(at_parameters=run["parameters"], at_tokens=run["tokens"])
            loss = law.measure(*columns)
            error = DownstreamError(at=loss.value).measure(*curve)
            found[f"{name}: {label.removeprefix(corpus + '-')}"] = {
                "parameters": run["parameters"],
                "tokens": run["tokens"],
                "loss": {"seen": run["loss"], "predicted": loss, "relative": loss.value / run["loss"] - 1},
                "error": {"seen": run["error"], "predicted": error, "relative": error.value / run["error"] - 1},
            }
    return found


def published() -> dict[str, dict[str, float]]:
    """Parameters, tokens, loss on C4 and mean error on the tasks of every published run."""
    runs: dict[str, dict[str, float]] = {}
    scores: dict[str, dict[str, float]] = {}
    with tarfile.open(data("results", "overtraining_scaling", "mlf_scaling_exp_data.tar.xz")) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            if member.name.endswith("eval_metadata.csv"):
                table = pl.read_csv(archive.extractfile(member).read())  # type: ignore[union-attr]
            if file is None or not ("/models/" in member.name or "/evals/" in member.name):
                continue
            content, stem = json.load(file), member.name.rpartition("/")[2].removesuffix(".json")
            name = stem.removeprefix("evaluation_").removesuffix("_heavy")
            if "/models/" in member.name:
                runs[name] = _sizes(content)
            else:
                scores[name] = content["eval_metrics"]["icl"]
    chance = dict(zip(table["Eval Task"], table["Random baseline"].cast(pl.Float64) / 100, strict=True))
    middle = [scores[name] for name in scores if name.endswith(MIDDLE)]
    tasks = [task for task in middle[0] if task in chance and all(s[task] > chance[task] + MARGIN for s in middle)]
    for name in runs.keys() & scores.keys():
        runs[name]["error"] = 1 - float(np.mean([scores[name][task] for task in tasks]))
    return {name: run for name, run in sorted(runs.items()) if "error" in run}


def _sizes(content: dict[str, Any]) -> dict[str, float]:
    settings = content["hyperparameters"]
    on_c4 = next(part["loss"] for part in content["results"] if "/c4_val/" in part["val_data"][0])
    return {"parameters": float(settings["params"]), "tokens": float(settings["tokens"]), "loss": float(on_c4)}


if __name__ == "__main__":
    write(__file__, results)
