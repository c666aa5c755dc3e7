"""Small tables whose faults are known, and reports with remedies of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from holdfast.audit.report import Report


class World(NamedTuple):
    """Two files, the audit of them, and the rows whose training label was flipped."""

    train: Path
    test: Path
    report: Report
    flipped: np.ndarray


def table(X: np.ndarray, y: np.ndarray) -> pl.DataFrame:
    names = {f"c{column}": X[:, column].round(6) for column in range(X.shape[1])}
    return pl.DataFrame({**names, "label": np.where(y == 1, "yes", "no")})


def made(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    y = (X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=n) > 0).astype(int)
    return X, y


def with_remedies(report: Report, code: str, *remedies: Any) -> Report:
    """The report with other remedies for one check, as if the check had proposed them."""
    from dataclasses import replace

    findings = tuple(
        replace(finding, outcome="found", remedies=remedies) if finding.code == code else finding
        for finding in report.findings
    )
    return Report(replace(report.record, findings=findings))
