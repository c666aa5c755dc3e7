"""`corpus mix --rules`: rules tried by proxies; what is repeated and paired, what is told apart, how it goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from holdfast.audit.load import InputError
from holdfast.corpus import mix_rules

pytest.importorskip("torch", reason="the extra torch is not installed")
from holdfast.corpus import aioli_training, proxy_training, rule_report, rule_trials
from holdfast.corpus.proportion_rules import Amounts, Rule
from holdfast.corpus.proxy_training import Group, Phase, Proxy, Rows, Supply

TINY = Proxy(tokens=9_000, width=32, depth=1, context=64, merges=64, read=40_000)
SIZES = {"english": 96.0, "sums": 4.0}


def made(groups: dict[str, Path], **more: Any) -> Any:
    return mix_rules(groups, seeds=3, sizes=SIZES, proxy=TINY, **more)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("table") / "rules.csv"


@pytest.fixture(scope="module")
def tried(groups: dict[str, Path], table: Path) -> Any:
    return made(groups, wanted=["sums"], table=table)


def test_a_group_too_small_to_be_learnt_is_learnt_by_rules_that_repeat_it(tried: Any) -> None:
    ranking = {about["rule"]: about for about in tried["ranking"]}
    assert set(ranking) == {"natural", "even", "temperature", "unimax", "end", "aioli"}
    assert tried["best"] in ("even", "aioli") and tried["told"] and ranking["even"]["below"]["low"] > 0.3
    assert [about["loss"] for about in tried["ranking"]] == sorted(about["loss"] for about in tried["ranking"])
    losses = {name: np.array(values) for name, values in tried["losses"].items()}
    assert losses["natural"].shape == (3, 2)
    gains = losses["natural"][:, 1] - losses["even"][:, 1]
    assert ranking["even"]["below"]["value"] == pytest.approx(gains.mean()), "wanted groups rank, seeds are paired"
    over_all = (losses["natural"] - losses["even"]).mean()
    assert ranking["even"]["over_all"]["value"] == pytest.approx(over_all)
    assert "below the natural mixture" in tried.verdict and "over all groups" in str(tried)


def test_aioli_tells_the_shares_and_the_law_of_every_round(tried: Any) -> None:
    assert tried["rounds"]
    for one in tried["rounds"]:
        assert sum(one["shares"]) == pytest.approx(1) and np.shape(one["influence"]) == (2, 2)
        assert all(
            low <= share <= high for low, share, high in zip(one["low"], one["shares"], one["high"], strict=True)
        )
        assert one["fidelity"] <= 1 and 0 < one["measured"] < 9
    assert "Aioli, first seed" in str(tried)


def test_a_call_that_was_stopped_goes_on_and_rules_are_added(
    groups: dict[str, Path], tried: Any, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, calls = rule_trials.train_proxy, [0]

    def stopped(*given: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        return train(*given)

    monkeypatch.setattr(rule_trials, "train_proxy", stopped)
    with pytest.raises(KeyboardInterrupt):
        made(groups, rules=["even"], table=tmp_path / "rules.csv")
    assert len(pl.read_csv(tmp_path / "rules.csv")) == 2
    part = made(groups, rules=["even"], table=tmp_path / "rules.csv")
    assert calls[0] == 7, "six trainings, one of which was stopped"
    assert part["losses"]["even"] == tried["losses"]["even"], "the same seed must give the same losses"
    more = made(groups, rules=["even", "temperature"], table=tmp_path / "rules.csv")
    assert calls[0] == 10 and set(more["losses"]) == {"natural", "even", "temperature"}
    assert made(groups, wanted=["sums"], table=table).to_dict() == tried.to_dict() and calls[0] == 10
    turned = dict(reversed(SIZES.items()))
    same = mix_rules(groups, seeds=3, sizes=turned, proxy=TINY, wanted=["sums"], table=table)
    assert same["losses"] == tried["losses"] and calls[0] == 10, "sizes belong to groups by name"
    with pytest.raises(InputError, match="other trainings than these"):
        mix_rules(groups, seeds=3, sizes=SIZES, budget=500, proxy=TINY, table=table)


def test_rules_that_do_the_same_are_trained_once(groups: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def trained(given: Any, phases: list[Phase], *_: Any) -> dict[str, float]:
        calls.append(phases)
        return {name: float(phases[0].shares[0]) for name in given}

    monkeypatch.setattr(rule_trials, "train_proxy", trained)
    sizes = {"english": 50.0, "sums": 50.0}
    found = mix_rules(groups, seeds=3, sizes=sizes, rules=["even", "unimax"], proxy=TINY,
                      mixtures={"mine": {"english": 3, "sums": 1}})  # fmt: skip
    assert len(calls) == 6, "as they are, alike and UniMax are one; mine is another"
    assert [about["rule"] for about in found["ranking"]][-1] == "mine"
    assert "The same shares here: as they are, all alike, UniMax" in str(found)


def test_noise_is_called_noise_and_a_difference_beyond_it_is_not() -> None:
    given = Amounts(["a", "b"], np.ones(2), 2.0, np.zeros(2, dtype=bool), np.ones(2))
    chosen = {name: Rule(name, [Phase(1.0, np.full(2, 0.5))]) for name in ("natural", "even", "unimax")}
    base, noise = np.array([[3.0, 4.0]] * 4), np.array([0.02, -0.02, 0.01, -0.01])[:, None]
    low = base - 0.3 + noise / 4
    losses = {"natural": base, "even": base - 0.001 + noise, "unimax": base - 0.002 - noise}
    found = rule_report.record(rule_report.Trials(given, losses, [], []), chosen, TINY)
    assert not found["told"] and found["verdict"].startswith("No rule is told apart from the natural mixture")
    losses = {"natural": base, "even": low, "unimax": low - 0.0001 - noise}
    found = rule_report.record(rule_report.Trials(given, losses, [], []), chosen, TINY)
    assert found["told"] and found["best"] == "unimax" and found["alike"] == ["even"]
    losses = {"natural": base, "even": base + 0.5, "unimax": base + 0.5 + noise}
    found = rule_report.record(rule_report.Trials(given, losses, [], []), chosen, TINY)
    assert found["verdict"] == "No rule is below the natural mixture." and not found["told"]


def _group(count: int, first: int) -> Group:
    return Group([[0, first + at] for at in range(count)], Rows([[0, 1]], 1), Rows([[0, 1], [0, 2]], 2))


def test_rows_come_again_only_after_all_were_taken_and_no_more_than_there_are() -> None:
    supply = Supply({"a": _group(10, 100), "b": _group(10, 200)}, 0, [10, 3])
    rows = [row[1] for _ in range(3) for row in supply.take(np.array([0.5, 0.5]), 6)]
    a, b = [code for code in rows if code < 200], [code for code in rows if code >= 200]
    assert len(a) == len(set(a)) == 9 and len(b) == 9
    assert len(set(b)) == 3 and b[:3] == b[3:6] == b[6:], "three different rows, three times each"


def test_phases_follow_each_other_with_their_own_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.nets import language_model

    seen: list[int] = []

    def trained(network: Any, batches: Any, **_: Any) -> Any:
        for batch in batches:
            seen.extend(batch["inputs"][:, 1].tolist())
        return type("Run", (), {"model": network})

    monkeypatch.setattr(language_model, "train_on_batches", trained)
    monkeypatch.setattr(proxy_training, "losses", lambda model, groups: {})
    phases = [Phase(0.75, np.array([1.0, 0.0])), Phase(0.25, np.array([0.2, 0.8]))]
    groups = {"a": _group(100, 100), "b": _group(100, 200)}
    proxy_training.train_proxy(groups, phases, 300, Proxy(tokens=8 * 40, context=8, width=8, depth=1), 0)
    assert len(seen) == 40 and max(seen[:30]) < 200
    assert sum(code >= 200 for code in seen[30:]) == 8 and seen[:30] != sorted(seen[:30])


def test_aioli_takes_as_many_rows_as_any_rule_and_sees_every_group_alike_often(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = {name: _group(500, first) for name, first in (("a", 1000), ("b", 2000), ("c", 3000))}
    told = iter(range(10_000))
    monkeypatch.setattr(aioli_training, "bits_per_byte", lambda model, rows: 5 * 0.995 ** next(told))
    supply, asked = Supply(groups, 0), []
    take = supply.take
    monkeypatch.setattr(supply, "take", lambda shares, count: asked.append(shares.argmax()) or take(shares, count))
    batches = aioli_training.Steered(None, groups, supply, 400, seed=3)
    rows = [code for batch in batches for code in batch["inputs"][:, 1].tolist()]
    assert len(rows) == 400 and len(batches) == 50 and len(batches.rounds) >= 1
    assert sorted(asked[:3]) == [0, 1, 2] and asked[3:6] == asked[2::-1], "there and back"
    share = batches.perturbed * len(batches.rounds) * aioli_training.SWEEPS * 3 / 50
    assert share <= aioli_training.LEARNING
    last = batches.rounds[-1]
    assert np.allclose(last["shares"], 1 / 3, atol=0.005), "losses that fall by time alone move nothing"
    assert last["fidelity"] > 0.99 and np.ptp([last["low"], last["high"]]) < 0.02


def test_aioli_gives_more_to_a_group_that_helps_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses fall by what the last row of the batch before is worth: rows of the second group are worth most."""
    groups = {name: _group(500, first) for name, first in (("a", 1000), ("b", 2000))}
    supply, loss = Supply(groups, 0), [9.0]
    take = supply.take

    def worth(shares: np.ndarray, count: int) -> list[list[int]]:
        loss[0] -= 0.01 * float(shares @ [1.0, 2.0]) * count
        return take(shares, count)

    monkeypatch.setattr(supply, "take", worth)
    monkeypatch.setattr(aioli_training, "bits_per_byte", lambda model, rows: loss[0])
    batches = aioli_training.Steered(None, groups, supply, 400, seed=3)
    assert len(list(batches)) == 50
    shares = [one["shares"][1] for one in batches.rounds]
    assert len(shares) > 1 and shares == sorted(shares) and shares[0] > 0.55
    assert batches.rounds[-1]["predicted"] == pytest.approx(batches.rounds[-1]["measured"], abs=1e-6)


def test_wrong_rules_are_told(groups: dict[str, Path], tmp_path: Path) -> None:
    for settings, said in (
        ({"rules": ["evn"]}, "rules: no rule is called 'evn'. Did you mean 'even'"),
        ({"rules": ["end"]}, "the rule end needs wanted groups"),
        ({"rules": ["repeats"]}, "the rule repeats needs qualities that differ"),
        ({"rules": []}, "nothing to compare the natural mixture with"),
        ({"seeds": 2}, "2 seeds; expected at least 3"),
        ({"wanted": ["sum"]}, "Did you mean 'sums'"),
        ({"budget": 5.0}, "a budget wants sizes in its unit"),
        ({"mixtures": {"mine": {"sms": 1.0}}}, "mixture mine: no group is called 'sms'"),
        ({"mixtures": {"even": {"sums": 1.0}}}, "mixture even: a rule is called so"),
        ({"mixtures": {"mine": {"sums": -1.0}}}, "mixture mine: expected shares of at least 0"),
    ):
        with pytest.raises(InputError, match=said):
            mix_rules(groups, proxy=TINY, **settings)
    few = Proxy(tokens=64 * 24, width=32, depth=1, context=64, merges=64, read=40_000)
    with pytest.raises(InputError, match="3 steps are too few to perturb 2 groups; expected at least 10"):
        mix_rules(groups, rules=["aioli"], proxy=few)


def test_the_command(groups: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.cli.app import app

    words = ["corpus", "mix", str(tmp_path / "runs.csv"), "--tokens", "2000", "--seeds", "3"]
    trained = [part for name, path in groups.items() for part in ("--train", f"{name}={path}")]
    more = ["--proxies", "10", "--rules", "even", "--method", "line", "-o", str(tmp_path / "mix.json")]
    done = CliRunner().invoke(app, [*words, *trained, *more])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "mix.json").read_text())
    assert set(found["rules"]["losses"]) == {"natural", "even", "found"} and len(found["proportions"]) == 2
    assert len(pl.read_csv(tmp_path / "runs.csv")) == 10 and len(pl.read_csv(tmp_path / "runs-rules.csv")) == 9
    assert "best of the runs" in done.output and "By rules:" in found["verdict"]
    done = CliRunner().invoke(app, [*words, *trained, "--want", "sums"])
    assert done.exit_code == 2 and "are for --rules" in done.output
    done = CliRunner().invoke(app, [*words, *trained, "--rules", "even,unimx"])
    assert done.exit_code == 2 and "Did you mean 'unimax'" in done.output

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rule_trials, "train_proxy", stopped)
    done = CliRunner().invoke(app, [*words, *trained, "--proxies", "0", "--rules", "temperature"])
    assert done.exit_code == 130 and "runs-rules.csv: the same command goes on from there" in done.output


def test_on_real_text_a_scarce_play_is_learnt_better_where_it_is_repeated(tmp_path: Path) -> None:
    """Plays are 3 % beside articles: all alike, they are seen 16 times, and their loss falls in every seed."""
    root = os.environ.get("HOLDFAST_DATA")
    if not root:
        pytest.skip("HOLDFAST_DATA is not set: the texts are not at hand")
    import gzip

    for name, path in (("articles", "wikitext2_valid_test/valid.txt.gz"), ("plays", "tinyshakespeare/input.txt.gz")):
        words = gzip.decompress((Path(root) / path).read_bytes()).decode().split(" ")[:40_000]
        texts = [" ".join(words[first : first + 200]) for first in range(0, len(words), 200)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    found = mix_rules(
        {name: tmp_path / f"{name}.jsonl" for name in ("articles", "plays")}, rules=["even"], seeds=3,
        sizes={"articles": 97.0, "plays": 3.0}, wanted=["plays"],
        proxy=Proxy(tokens=30_000, width=32, depth=1, context=64, read=60_000),
    )  # fmt: skip
    assert found["best"] == "even" and found["told"] and found["ranking"][0]["below"]["low"] > 0.1
