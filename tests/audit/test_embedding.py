"""A column of the user's embeddings: read from every source, used by distances and probe, refused clearly."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_digits

import holdfast
from holdfast.audit.load import InputError, load, read_table
from holdfast.audit.load.vectors import to_matrix
from holdfast.audit.probes import Probes
from holdfast.audit.records import Bars
from holdfast.audit.settings import Settings

QUICK: dict[str, Any] = {"quick": True, "repeats": 2}


@cache
def digits(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the digits 3 and 8 and all others, as vectors, with the digit."""
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))[:n]
    return data.data[order], data.target[order].astype(str)


def frame(rows: slice, **more: Any) -> pl.DataFrame:
    pixels, digit = digits()
    vectors = pl.Series("pixels", pixels[rows].tolist(), dtype=pl.List(pl.Float64))
    return pl.DataFrame({"pixels": vectors, "digit": digit[rows], **more})


def written(tmp_path: Path, kind: str) -> Any:
    table = frame(slice(0, 40))
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        table.write_parquet(path)
    elif kind == "arrow":
        table.with_columns(pl.col("pixels").list.to_array(64)).write_ipc(path)
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in table.to_dicts()))
    elif kind == "csv":
        rows = [f'"{json.dumps(row["pixels"])}",{row["digit"]}' for row in table.to_dicts()]
        path.write_text("pixels,digit\n" + "\n".join(rows))
    elif kind == "numpy":
        return {"pixels": digits()[0][:40], "digit": digits()[1][:40]}
    elif kind == "pandas":
        import pandas as pd

        return pd.DataFrame({"pixels": list(digits()[0][:40]), "digit": digits()[1][:40]})
    return path


@pytest.mark.parametrize("kind", ["parquet", "arrow", "jsonl", "csv", "numpy", "pandas"])
def test_vectors_are_read_from_every_source(tmp_path: Path, kind: str) -> None:
    loaded = load(written(tmp_path, kind), target="digit")
    column = loaded.columns[0]
    assert (column.name, column.role, column.kind, column.distinct) == ("pixels", "embedding", "embedding", 40)
    assert np.array_equal(to_matrix(loaded.train.frame["pixels"]), digits()[0][:40].astype(np.float32))
    assert any("vectors of 64 numbers" in note for note in loaded.train.notes), loaded.train.notes


def test_the_probe_learns_from_vectors_and_the_report_shows_them(tmp_path: Path) -> None:
    report = holdfast.audit(frame(slice(0, 400)), frame(slice(400, 600)), target="digit", **QUICK)
    assert not [(f.code, f.reason) for f in report.findings if f.outcome == "error"]
    assert "linear" in report.record.model["name"]
    drawn = report["PER001"].details[0]
    assert isinstance(drawn, Bars)
    bars = {label: value for label, value, *_ in drawn.items}
    assert bars["test, all rows"] > 0.9, f"raw pixels by logistic regression give .95 here: {bars}"
    page = report.save(tmp_path).read_text()
    assert "<bdi>embedding</bdi>" in page or ">embedding<" in page


def test_distances_see_strange_vectors_and_copies() -> None:
    pixels, digit = digits()
    strange = np.random.default_rng(1).uniform(0, 16, (30, 64))
    train = {"pixels": pixels[:400], "digit": digit[:400]}
    test = {"pixels": np.vstack([pixels[400:570], strange, pixels[:40]]), "digit": np.r_[digit[400:600], digit[:40]]}
    report = holdfast.audit(train, test, target="digit", only=["OOD001", "DUP002"], **QUICK)
    unfamiliar = report["OOD001"].rows
    assert report["OOD001"].outcome == "found", report["OOD001"]
    assert unfamiliar is not None
    named = {row.row for row in unfamiliar.shown}
    assert len(named & set(range(170, 200))) >= 27, f"of 30 noise vectors, named {sorted(named)}"
    assert report["DUP002"].outcome == "found"


def test_vectors_beside_other_columns_a_missing_one_and_a_given_model() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    sets = [frame(part, age=rng.normal(size=150)) for part in (slice(0, 150), slice(150, 300))]
    train, test = (one.with_columns((pl.col("digit").cast(pl.Int64) % 2).alias("digit")) for one in sets)
    gapped = train.with_columns(pl.when(pl.int_range(150) > 4).then("pixels").alias("pixels"))
    report = holdfast.audit(gapped, test, target="digit", ignore={"STA001": "slow", "DAT001": "slow"}, **QUICK)
    assert not [(f.code, f.reason) for f in report.findings if f.outcome == "error"]
    assert "boosting" in report.record.model["name"]
    both = np.column_stack([np.vstack(train["pixels"].to_list()), train["age"].to_numpy()])
    model = LogisticRegression(max_iter=2000, C=0.01).fit(both, train["digit"].to_numpy())
    facts = Probes(loaded=load(train, test, target="digit"), settings=Settings(), given_model=model, given_proba=None)
    assert (facts["test_probs"].argmax(axis=1) == facts["test_y"]).mean() > 0.8


def test_a_vector_with_a_hole_is_missing_and_said_so() -> None:
    data = read_table({"e": [[1.0, 2.0], [3.0, float("nan")], [float("inf"), 0.0], [5, None], None, [7, 8]]}, "train")
    assert data.frame["e"].to_list() == [[1.0, 2.0], None, None, None, None, [7.0, 8.0]]
    assert any("3 rows with a missing or infinite number" in note for note in data.notes), data.notes


RAGGED = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0, 7.0]] * 3
MIXED = [[1.0, 2.0], [3.0, "x"], [5.0, 6.0]] * 3


@pytest.mark.parametrize(
    ("cells", "match"), [(RAGGED, r"row 2: 3\).*expected one length"), (MIXED, r"row 1 holds '\[3.0, \"x\"\]'")]
)
def test_what_is_no_vector_is_told_with_its_row_and_refused_as_an_embedding(cells: list, match: str) -> None:
    import re

    table = {"e": cells, "y": [0, 1, 0] * 3}
    told = [note for note in read_table(table, "train").notes if re.search(match, note)]
    assert len(told) == 1, read_table(table, "train").notes
    assert told[0].endswith("read as text")
    with pytest.raises(InputError, match=r"'e' cannot be an embedding.*all of one length"):
        load(table, target="y", roles={"e": "embedding"})


@pytest.mark.parametrize(
    ("train", "test", "settings", "match"),
    [
        ({"e": [[1, 2], [3, 4]], "y": [0, 1]}, {"e": [[1, 2, 3]] * 2}, {}, "2 numbers in train and 3 in test"),
        ({"e": [[1, 2], [3, 4]], "y": [0, 1]}, {"e": ["a", "b"]}, {}, "vectors in train and text in test"),
        ({"e": [[1, 2], [3, 4]], "y": [0, 1]}, None, {"roles": {"e": "group"}}, "cannot be the group"),
        ({"e": [[1, 2], [3, 4]], "y": [0, 1]}, None, {"target": "e"}, "cannot be the target"),
    ],
)
def test_misused_vectors_are_explained(train: dict, test: Any, settings: dict, match: str) -> None:
    with pytest.raises(InputError, match=match):
        load(train, test, **{"target": "y", **settings})


def test_same_vectors_same_fingerprint() -> None:
    one, two = {"e": [[1, 2], [3, 4]]}, {"e": [[1, 2], [3, 5]]}
    prints = [read_table(each, "train").fingerprint for each in (one, one, two)]
    assert prints[0] == prints[1] != prints[2]
