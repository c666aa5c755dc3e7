"""Models given as files: skops and ONNX are read, pickles and strangers are refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import holdfast
from holdfast.audit.given_model import load_model
from holdfast.audit.load import InputError

QUICK = {"quick": True, "repeats": 2}


def sets() -> tuple[pl.DataFrame, pl.DataFrame]:
    data = load_breast_cancer()
    frame = pl.DataFrame(data.data[:, :6], schema=[f"f{i}" for i in range(6)])
    frame = frame.with_columns(pl.Series("label", data.target))
    return frame[:350], frame[350:]


def fitted() -> tuple[object, pl.DataFrame, pl.DataFrame]:
    train, test = sets()
    X, y = train.drop("label").to_numpy(), train["label"].to_numpy()
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), train, test


def test_a_skops_file_gives_the_same_predictions(tmp_path: Path) -> None:
    skops_io = pytest.importorskip("skops.io")
    model, train, test = fitted()
    path = tmp_path / "model.skops"
    skops_io.dump(model, path)
    loaded = load_model(path)
    X = test.drop("label").to_numpy()
    assert np.allclose(loaded.predict_proba(X), model.predict_proba(X))
    report = holdfast.audit(train, test, target="label", model=loaded, only=["PER001", "CAL001"], **QUICK)
    assert report["PER001"].outcome in ("clear", "unsure", "found"), report["PER001"].reason
    assert report.record.model["name"] == "Pipeline (given)"


def test_a_skops_file_with_strange_types_is_refused(tmp_path: Path) -> None:
    skops_io = pytest.importorskip("skops.io")
    path = tmp_path / "model.skops"
    skops_io.dump({"path": Path("/etc/passwd")}, path)
    with pytest.raises(InputError, match="could run code"):
        load_model(path)


def test_a_pickle_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(fitted()[0]))
    with pytest.raises(InputError, match="runs its code"):
        load_model(path)


@pytest.mark.parametrize("name", ["model.skops", "model.onnx"])
def test_a_broken_file_is_explained(tmp_path: Path, name: str) -> None:
    pytest.importorskip("skops" if name.endswith("skops") else "onnxruntime")
    path = tmp_path / name
    path.write_bytes(b"not a model")
    with pytest.raises(InputError, match=r"cannot|not a"):
        load_model(path)


def onnx_model(path: Path) -> np.ndarray:
    """A logistic regression written by hand as an ONNX graph; returns its weights."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    model, *_ = fitted()
    scaler, linear = model[0], model[1]
    weights = linear.coef_[0] / scaler.scale_
    bias = float(linear.intercept_[0] - (linear.coef_[0] * scaler.mean_ / scaler.scale_).sum())
    node = helper.make_node(
        "LinearClassifier",
        ["X"],
        ["label", "scores"],
        domain="ai.onnx.ml",
        coefficients=[*(-weights).tolist(), *weights.tolist()],
        intercepts=[-bias, bias],
        classlabels_ints=[0, 1],
        post_transform="LOGISTIC",
    )
    normal = helper.make_node("Normalizer", ["scores"], ["probabilities"], domain="ai.onnx.ml", norm="L1")
    graph = helper.make_graph(
        [node, normal],
        "logistic",
        [helper.make_tensor_value_info("X", kinds.FLOAT, [None, 6])],
        [
            helper.make_tensor_value_info("label", kinds.INT64, [None]),
            helper.make_tensor_value_info("probabilities", kinds.FLOAT, [None, 2]),
        ],
    )
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    path.write_bytes(helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString())
    return weights


def test_an_onnx_file_predicts_and_checks_that_refit_say_why_not(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "model.onnx"
    onnx_model(path)
    model, train, test = fitted()
    loaded = load_model(path)
    X = test.drop("label").to_numpy()
    assert np.allclose(loaded.predict_proba(X)[:, 1], model.predict_proba(X)[:, 1], atol=1e-3)
    report = holdfast.audit(train, test, target="label", model=loaded, only=["LAB002", "PER001", "SLI001"], **QUICK)
    assert not [finding.reason for finding in report.findings if finding.outcome == "error"]
    assert report["LAB002"].outcome in ("clear", "unsure", "found"), report["LAB002"].reason
    assert "cannot be fitted again" in report["PER001"].reason or "not be fitted again" in report["PER001"].reason
