"""The records on added data and on overlapping classes hold what their papers say, or that they do not."""

from __future__ import annotations

import json
from pathlib import Path

RECORDS = Path(__file__).parents[2] / "reproduce" / "records"


def test_added_rows_help_then_hurt_and_a_tuned_weight_mends_it() -> None:
    found = json.loads((RECORDS / "desilva2022value.json").read_text(encoding="utf-8"))["rotated by 90 degrees"]
    pooled = [error["value"] for error in found["error, pooled"]]
    assert pooled[1] < pooled[0] < pooled[-1], pooled
    assert found["what all added rows change, pooled"]["low"] > 0.02, "pooling many rows hurts beyond noise"
    assert found["what all added rows change, tuned weight"]["low"] < 0, "tuned, nothing is lost beyond noise"


def test_overlap_leaves_what_one_temperature_cannot_mend() -> None:
    found = json.loads((RECORDS / "chidambaram2023limitations.json").read_text(encoding="utf-8"))
    left = [found[f"overlap {overlap}"]["calibration error, fitted"] for overlap in ("0.1", "0.4", "0.8")]
    assert left[0]["high"] < left[1]["low"] and left[0]["high"] < left[2]["low"], left
    assert found["overlap 0.4"]["log loss that mixing saves"]["high"] < 0, "mixup loses here: said in sources.toml"


def test_scores_with_labels_of_the_source_choose_near_the_best_and_confidence_alone_does_not() -> None:
    found = json.loads((RECORDS / "lalou2024skadabench.json").read_text(encoding="utf-8"))["all"]
    mean = {name: estimate["value"] for name, estimate in found.items()}
    best, plain = mean["best candidate"], mean["no adaptation"]
    assert min(mean["circular validation"], mean["deep embedded validation"]) > best - 0.1 > plain + 0.1, mean
    assert max(mean["prediction entropy"], mean["soft neighbourhood density"]) < plain + 0.05, mean
