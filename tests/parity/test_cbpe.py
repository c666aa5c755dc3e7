"""CBPE against NannyML's, whose values a script in benchmarks/ wrote (it does not install beside today's stack)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from holdfast.estimation import CBPE

REFERENCE = json.loads((Path(__file__).parent / "cbpe_reference.json").read_text(encoding="utf-8"))
CASES = [pytest.param(case, id=f"{len(case['ref_y'])}x{len(case['ref_probs'][0])}") for case in REFERENCE["cases"]]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("metric", ["accuracy", "f1", "auroc"])
def test_estimates_are_nannymls(case: dict, metric: str) -> None:
    arrays = [np.array(case[name]) for name in ("ref_probs", "ref_y", "cur_probs")]
    found = CBPE(metric=metric, draws=2).measure(*arrays).value
    # NannyML lets every row be its own pair in the AUROC, which draws it towards one half by about 1 / n
    tolerance = 1e-9 if metric != "auroc" else 1.5 / len(case["ref_y"])
    assert found == pytest.approx(case["estimates"][metric], abs=tolerance)


def test_the_cases_tell_calibration_from_none() -> None:
    """Some of the cases are calibrated and change, so that parity is not parity of doing nothing."""
    changes = []
    for case in REFERENCE["cases"]:
        arrays = [np.array(case[name]) for name in ("ref_probs", "ref_y", "cur_probs")]
        found = [CBPE(calibration=when, draws=2).measure(*arrays).value for when in ("auto", "never")]
        changes.append(abs(found[0] - found[1]))
    assert max(changes) > 0.05, f"calibration changes the estimates by {np.round(changes, 3).tolist()}"
