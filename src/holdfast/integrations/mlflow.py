"""MLflow: an audit beside the run whose model it concerns, where MLflow is installed."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.audit.report import Report

LONGEST = 5000  # characters of a tag


def log_report(report: Report, run_id: str | None = None, folder: str = "holdfast") -> None:
    """Log an audit to the active MLflow run, or to `run_id`; without either MLflow starts a run, as it always does.

    Metrics: `holdfast.found`, and `holdfast.<code>` with its interval ends `.low` and `.high` for every price.
    Tags: `holdfast.verdict`, `holdfast.tone`. Artifacts: report.html and report.json in `folder`.
    Raises `ImportError` with the `pip install` where MLflow is missing.
    """
    try:
        import mlflow
    except ImportError:
        raise ImportError("logging to MLflow needs it: pip install mlflow (mlflow-skinny is enough)") from None
    record = report.to_dict()
    tags = {"holdfast.verdict": record["verdict"][:LONGEST], "holdfast.tone": record["tone"]}
    run_id = run_id or (mlflow.active_run() or mlflow.start_run()).info.run_id
    mlflow.log_metrics(metrics(record), run_id=run_id)
    client = mlflow.MlflowClient()
    for name, value in tags.items():
        client.set_tag(run_id, name, value)
    with tempfile.TemporaryDirectory() as aside:
        report.save(aside)
        mlflow.log_artifacts(aside, artifact_path=folder, run_id=run_id)


def metrics(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a record that are worth a curve over runs, by names that MLflow takes.

    >>> gain = {"value": 0.02, "low": 0.01, "high": None}
    >>> metrics({"findings": [{"code": "LAB001", "outcome": "found", "price": {"gain": gain}}]})
    {'holdfast.found': 1.0, 'holdfast.LAB001': 0.02, 'holdfast.LAB001.low': 0.01}
    """
    numbers = {"holdfast.found": float(sum(finding["outcome"] == "found" for finding in record["findings"]))}
    for finding in record["findings"]:
        gain = (finding["price"] or {}).get("gain") or {}
        name = f"holdfast.{re.sub(r'[^A-Za-z0-9_]', '_', finding['code'])}"
        ends = {name: gain.get("value"), f"{name}.low": gain.get("low"), f"{name}.high": gain.get("high")}
        numbers |= {key: float(value) for key, value in ends.items() if value is not None}
    return numbers
