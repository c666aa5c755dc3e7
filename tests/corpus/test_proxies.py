"""`corpus mix` from proxies trained here: what they learn follows the shares, and a call that was stopped goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from holdfast.audit.load import InputError
from holdfast.corpus import mix, proxy_runs

pytest.importorskip("torch", reason="the extra torch is not installed")
from holdfast.corpus import proxies
from holdfast.corpus.proxies import Proxy

TINY = Proxy(tokens=12_000, width=32, depth=1, context=64, merges=64, read=40_000)


@pytest.fixture(scope="module")
def made(groups: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return proxy_runs(groups, table=tmp_path_factory.mktemp("table") / "runs.csv", runs=12, proxy=TINY)


def test_losses_fall_where_shares_rise(made: pl.DataFrame) -> None:
    from scipy.stats import spearmanr

    assert made.columns == ["run", "english", "sums", "english_loss", "sums_loss", "plan"] and len(made) == 12
    assert np.allclose(made["english"] + made["sums"], 1) and made["english"][1] == 0.5
    for name in ("english", "sums"):
        assert spearmanr(made[name], made[f"{name}_loss"]).statistic < -0.7, made
        assert made[f"{name}_loss"].min() > 0.5 and made[f"{name}_loss"].max() < 9


def test_the_best_mixture_is_between_the_groups(made: pl.DataFrame) -> None:
    found = mix(made, groups=["english", "sums"], loss=["english_loss", "sums_loss"], method="process")
    best = {row["group"]: row["best"] for row in found["proportions"]}
    assert 0.05 < best["english"] < 0.95
    mean = (made["english_loss"] + made["sums_loss"]).to_numpy() / 2
    assert found["prediction"]["best"]["value"] < np.median(mean)
    one_sided = mix(made, groups=["english", "sums"], loss=["sums_loss"], method="process")
    assert one_sided["proportions"][1]["best"] > best["sums"]


def test_a_call_that_was_stopped_goes_on_and_more_runs_are_added(
    groups: dict[str, Path], made: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, run, calls = tmp_path / "runs.csv", proxies.train_proxy, [0]

    def stopped(*given):  # type: ignore[no-untyped-def]
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        return run(*given)

    monkeypatch.setattr(proxies, "train_proxy", stopped)
    with pytest.raises(KeyboardInterrupt):
        proxy_runs(groups, table=table, runs=4, proxy=TINY)
    assert len(pl.read_csv(table)) == 2
    again = proxy_runs(groups, table=table, runs=3, proxy=TINY)
    assert calls[0] == 4, "a run that was made was made again"
    assert again.equals(made[:3]), "the same seed must give the same runs, however many there are"
    assert len(proxy_runs(groups, table=table, runs=4, proxy=TINY)) == 4 and calls[0] == 5
    with pytest.raises(InputError, match="other runs than these"):
        proxy_runs(groups, table=table, runs=4, proxy=TINY, seed=1)


def test_wrong_groups_are_told(groups: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected at least 2"):
        proxy_runs({"one": groups["sums"]})
    with pytest.raises(InputError, match="sizes: expected an amount for each of english, sums"):
        proxy_runs(groups, sizes={"english": 1.0})
    (tmp_path / "short.jsonl").write_text('{"text": "too little"}\n')
    with pytest.raises(InputError, match=r"group short: .* expected at least 9"):
        proxy_runs({"short": tmp_path / "short.jsonl", "sums": groups["sums"]}, proxy=TINY)


def test_the_command(groups: dict[str, Path], tmp_path: Path) -> None:
    from holdfast.cli.app import app

    words = ["corpus", "mix", str(tmp_path / "runs.csv"), "--proxies", "10", "--tokens", "2000", "--method", "line"]
    trained = [part for name, path in groups.items() for part in ("--train", f"{name}={path}")]
    done = CliRunner().invoke(app, [*words, *trained, "-o", str(tmp_path / "mix.json")])
    assert done.exit_code == 0, done.output
    assert len(pl.read_csv(tmp_path / "runs.csv")) == 10
    assert {row["group"] for row in json.loads((tmp_path / "mix.json").read_text())["proportions"]} == set(groups)
    done = CliRunner().invoke(app, [*words, "--train", "english"])
    assert done.exit_code == 2 and "NAME=PATH" in done.output
