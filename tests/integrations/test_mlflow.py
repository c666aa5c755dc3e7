"""Logging to MLflow: the real one where it is installed, else what it is asked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import holdfast
from holdfast.datasets import heart_disease
from holdfast.integrations.mlflow import log_report, metrics


@pytest.fixture(scope="module")
def report() -> Any:
    return holdfast.audit(*heart_disease(), target="disease", only=["DUP001", "SCH002"], repeats=2)


class Recorder(ModuleType):
    """The few calls of MLflow that are used, with its signatures."""

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.logged: dict[str, Any] = {"tags": {}}

    def active_run(self) -> Any:
        return None

    def start_run(self) -> Any:
        return SimpleNamespace(info=SimpleNamespace(run_id="new"))

    def log_metrics(self, metrics: dict[str, float], run_id: str) -> None:
        self.logged["metrics"] = (run_id, metrics)

    def MlflowClient(self) -> Any:  # noqa: N802 - MLflow's name
        return SimpleNamespace(set_tag=lambda run_id, name, value: self.logged["tags"].update({name: value}))

    def log_artifacts(self, folder: str, artifact_path: str, run_id: str) -> None:
        files = {path.name: path.read_text() for path in Path(folder).iterdir()}
        self.logged["artifacts"] = (run_id, artifact_path, files)


def test_numbers_tags_and_pages_are_logged(report, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setitem(sys.modules, "mlflow", recorder)
    log_report(report)
    gain = report["SCH002"].price.gain
    run_id, numbers = recorder.logged["metrics"]
    assert run_id == "new" and numbers["holdfast.SCH002.low"] == gain.low
    assert numbers["holdfast.found"] == 1.0
    assert recorder.logged["tags"]["holdfast.verdict"] == report.verdict
    run_id, place, files = recorder.logged["artifacts"]
    assert (run_id, place) == ("new", "holdfast") and set(files) == {"report.html", "report.json"}
    assert json.loads(files["report.json"]) == report.to_dict()
    log_report(report, run_id="given")
    assert recorder.logged["artifacts"][0] == "given"


def test_with_the_real_one(report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(tmp_path.as_uri())
    with mlflow.start_run() as run:
        log_report(report)
    logged = mlflow.get_run(run.info.run_id)
    assert logged.data.metrics == pytest.approx(metrics(report.to_dict()))


def test_without_mlflow_the_error_says_what_to_install(report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match="pip install mlflow"):
        log_report(report)
