"""`corpus mix`: the best mixture of known laws, intervals counted on left-out runs, tables as people have them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from holdfast.audit.load import InputError
from holdfast.corpus import mix
from holdfast.faults.worlds import mixing as worlds

GROUPS = ["web", "books", "code", "wiki", "talk"]


def table(count: int = 40, seed: int = 3) -> pl.DataFrame:
    train = worlds.mixing_runs(seed).train
    shares = pl.DataFrame(train["proportions"][:count], schema=GROUPS)
    losses = train["run_group_losses"][:count]
    return shares.with_columns(pl.Series(f"{name}_loss", losses[:, at]) for at, name in enumerate(GROUPS))


def test_the_best_mixture_its_loss_and_what_is_said_of_left_out_runs() -> None:
    found = mix(table(24), sizes=dict(zip(GROUPS, worlds.NATURAL, strict=True)), method="process")
    rows = found["proportions"]
    assert [row["group"] for row in rows] == GROUPS
    assert sum(row["best"] for row in rows) == pytest.approx(1) and sum(row["next"] for row in rows) == pytest.approx(1)
    assert all(row["low"] - 1e-12 <= row["best"] <= row["high"] + 1e-12 for row in rows)
    true = float(worlds._losses(3, np.array([[row["best"] for row in rows]])).mean())
    natural = float(worlds._losses(3, worlds.NATURAL[None]).mean())
    assert true < natural and found["prediction"]["best"]["value"] < found["prediction"]["natural"]["value"]
    about, said = found["coverage"], found["prediction"]["best"]
    assert about["runs"] == 24 and about["held"] == round(24 * about["share"]) and about["widened"] >= 1
    assert said["low"] <= true <= said["high"]
    assert "Gaussian process" in str(found) and "left-out runs" in str(found)


def test_the_method_is_the_one_that_predicts_left_out_runs_best(monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.corpus import mixture

    monkeypatch.setattr(mixture, "METHODS", ("line", "law"))
    found = mix(table(16).select([*GROUPS, "web_loss"]), seed=1)
    errors = {name: about["error"] for name, about in found["methods"].items()}
    assert set(errors) == {"line", "law"} and found["method"] == "law" and errors["law"] < errors["line"]


def test_the_fewest_runs_are_enough_for_every_method() -> None:
    found = mix(table(10))
    assert set(found["methods"]) == {"process", "trees", "line", "law"} and found["coverage"]["runs"] == 10


def test_intervals_that_hold_too_few_runs_are_widened() -> None:
    from holdfast.corpus.mixture import _Judged

    seen = np.arange(20.0)
    said = _Judged(seen + np.tile([1.0, -1.0], 10), seen - 1, seen + 1)
    assert said.widening(seen) == 1.0
    narrow = _Judged(said.value, said.value - 0.25, said.value + 0.25)
    assert narrow.held(seen) == 0 and narrow.widening(seen) == pytest.approx(4.0)


def test_two_tables_percent_and_the_command(tmp_path: Path) -> None:
    from holdfast.cli.app import app

    frame = table(16).with_row_index("index")
    frame.select("index", *(pl.col(name) * 100 for name in GROUPS)).write_csv(tmp_path / "shares.csv")
    frame.select("index", "web_loss").reverse().write_csv(tmp_path / "losses.csv")
    words = ["corpus", "mix", str(tmp_path / "shares.csv"), str(tmp_path / "losses.csv"), "--method", "line"]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "mix.json")])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "mix.json").read_text())
    same = mix(table(16).select([*GROUPS, "web_loss"]), method="line")
    assert [row["best"] for row in found["proportions"]] == pytest.approx([row["best"] for row in same["proportions"]])
    assert "next run" in done.output
    done = CliRunner().invoke(app, [*words, "--size", "web"])
    assert done.exit_code == 2 and "NAME=NUMBER" in done.output


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        (lambda frame: frame.drop([n for n in frame.columns if "loss" in n]), {}, "no column of losses"),
        (lambda frame: frame.with_columns(web=pl.col("web") + 1), {}, r"run 3: the shares of .* sum to 2;"),
        (lambda frame: frame.head(6), {}, "6 runs; expected at least 10"),
        (lambda frame: frame, {"loss": ["web_lss"]}, "no such column. Did you mean 'web_loss'"),
        (lambda frame: frame, {"method": "magic"}, "process, trees, line, law"),
        (lambda frame: frame, {"sizes": {"web": 1.0}}, "nothing for books"),
        (lambda frame: frame.with_columns(web_loss=float("nan")), {}, "run 1: web_loss is nan"),
        (lambda frame: frame.with_columns(web=-pl.col("web")), {}, "expected 0 or more"),
    ],
)
def test_wrong_tables_are_told(change, settings: dict, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=said):
        mix(change(table()), **settings)


def test_a_file_that_is_no_table_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs.parquet").write_bytes(b"not one")
    for name, said in (("runs.parquet", "cannot be read as a table"), ("rusn.parquet", "Did you mean")):
        with pytest.raises(InputError, match=said):
            mix(tmp_path / name)
