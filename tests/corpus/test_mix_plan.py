"""`corpus mix` without runs: plans from sizes alone; and from rounds of a training in progress (Aioli)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from holdfast.audit.load import InputError
from holdfast.corpus import mix, plan_mix
from holdfast.corpus.proportion_rules import count_tokens
from holdfast.faults.worlds import mixing as worlds

GROUPS = ["web", "books", "code", "wiki", "talk"]


def rounds(seed: int = 3) -> pl.DataFrame:
    """Ten rounds under a known law; the columns of drops stand in another order than the groups."""
    train = worlds.short_rounds(seed).train
    shares = pl.DataFrame(train["proportions"], schema=GROUPS)
    drops = [pl.Series(f"{name}_drop", train["loss_drops"][:, at]) for at, name in enumerate(GROUPS)]
    return shares.with_columns(reversed(drops))


def test_a_plan_in_numbers_that_can_be_checked_by_hand() -> None:
    found = plan_mix({"web": 900.0, "books": 100.0}, 2000, wanted=["books"])
    rules = found["rules"]
    assert list(rules) == ["natural", "even", "temperature", "unimax", "end"]
    assert rules["natural"]["repeats"] == {"web": 2.0, "books": 2.0} and rules["even"]["repeats"]["books"] == 10
    assert rules["unimax"]["overall"]["books"] == pytest.approx(0.2), "four passes of 100 out of 2000"
    power = 100**0.2 / (100**0.2 + 900**0.2)
    assert [phase["part"] for phase in rules["temperature"]["phases"]] == [0.5, 0.5]
    assert rules["temperature"]["phases"][0]["shares"]["books"] == pytest.approx(power)
    assert rules["end"]["phases"][1]["shares"]["books"] == 0.5
    assert rules["end"]["overall"]["books"] == pytest.approx(0.85 * 0.1 + 0.15 * 0.5)
    worth = 1000 * (1 + 15.4 * (1 - np.exp(-1 / 15.4)))  # every token is seen once more
    assert rules["natural"]["effective"] == pytest.approx(worth)
    assert "planned repeats are the natural mixture" in str(found) and "books is seen 10 times" in str(found)


def test_no_plan_is_worth_more_than_planned_repeats() -> None:
    quality = {"web": 0.4, "books": 1.0, "code": 0.8}
    found = plan_mix({"web": 5e9, "books": 2e8, "code": 6e8}, 7e9, quality=quality)
    worth = {name: rule["effective"] for name, rule in found["rules"].items()}
    assert max(worth, key=lambda name: worth[name]) == "repeats" and worth["repeats"] > 1.05 * worth["natural"]
    assert found.verdict.startswith("By sizes and quality alone: planned repeats")
    for rule in found["rules"].values():
        assert sum(rule["overall"].values()) == pytest.approx(1)
        assert sum(rule["repeats"][name] * size for name, size in found["sizes"].items()) == pytest.approx(7e9)


def test_the_unit_of_the_sizes_does_not_matter() -> None:
    """Shares in place of tokens: a budget of less than one must not be rounded to one."""
    large = plan_mix({"web": 5e9, "books": 2e8}, 7e9, wanted=["books"], quality={"books": 2.0})["rules"]
    small = plan_mix({"web": 0.5, "books": 0.02}, 0.7, wanted=["books"], quality={"books": 2.0})["rules"]
    for name, rule in large.items():
        assert small[name]["overall"] == pytest.approx(rule["overall"]) and rule["repeats"]["books"] > 1.1


def test_nothing_repeats_and_nothing_speaks_for_a_rule() -> None:
    found = plan_mix({"web": 1000.0, "books": 900.0}, 500)
    assert found.verdict.startswith("No rule loses more than 1 %")
    assert found["rules"]["even"]["effective"] == pytest.approx(found["rules"]["natural"]["effective"])


def test_wanted_groups_that_have_half_already_still_gain() -> None:
    end = plan_mix({"web": 300.0, "books": 700.0}, wanted=["books"])["rules"]["end"]
    assert end["phases"][1]["shares"]["books"] == pytest.approx(0.85)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sizes": {"web": 1.0}}, "1 groups; expected at least 2"),
        ({"sizes": {"web": 1.0, "books": 0.0}}, "the size of books: expected above 0"),
        ({"sizes": {"web": float("nan"), "books": 1.0}}, "the size of web: expected above 0"),
        ({"budget": 0}, "a budget of 0 tokens"),
        ({"budget": float("inf")}, "a budget of inf tokens"),
        ({"wanted": ["boks"]}, "wanted: no group is called 'boks'. Did you mean 'books'"),
        ({"wanted": ["web", "books"]}, "wanted names all groups"),
        ({"quality": {"wbe": 2.0}}, "quality: no group is called 'wbe'"),
        ({"quality": {"web": -1.0}}, "at least 0"),
        ({"quality": {"web": 0.0, "books": 0.0}}, "above 0 for one group"),
    ],
)
def test_wrong_amounts_are_told(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        plan_mix(**{"sizes": {"web": 9.0, "books": 1.0}, "budget": 10, **settings})


def test_tokens_are_counted_in_files_of_any_kind(tmp_path: Path) -> None:
    texts = ["eight by", "zwölf Byte"]
    lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "b.jsonl").write_text(lines.replace('"text"', '"body"'), encoding="utf-8")
    assert count_tokens(tmp_path / "a.jsonl.gz") == (8 + 11) / 4
    with pytest.raises(InputError, match=r"no field 'text'\. Did you mean 'body'"):
        count_tokens(tmp_path / "b.jsonl")
    (tmp_path / "c.jsonl").write_text('{"text": ""}\n')
    with pytest.raises(InputError, match="no text was found in the field 'text'"):
        count_tokens(tmp_path / "c.jsonl")
    assert count_tokens(tmp_path / "b.jsonl", text="body") == (8 + 11) / 4


def test_the_command_plans_from_numbers_and_from_files(tmp_path: Path) -> None:
    from holdfast.cli.app import app

    (tmp_path / "books.txt").write_text("x" * 399 + "\n")
    words = ["corpus", "mix", "--size", "web=900", "--size", f"books={tmp_path / 'books.txt'}", "--budget", "1000"]
    done = CliRunner().invoke(app, [*words, "--want", "books", "--quality", "books=2", "-o", str(tmp_path / "p.json")])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "p.json").read_text())
    assert (
        found["sizes"] == {"web": 900.0, "books": 399 / 4} and "repeats" in found["rules"] and "end" in found["rules"]
    )
    assert mix(sizes=found["sizes"], budget=1000, wanted=["books"], quality={"books": 2.0}).to_dict() == found
    for more, said in (
        ([], "name a table of runs, or the sizes"),
        (["--size", "web=9", "--size", "books=nowhere.txt"], "nowhere.txt"),
        (["--size", "web=9", "--size", "books=1", "--method", "law"], "method law needs a table of runs"),
        (["--size", "web=9", "--size", "books=1", "--rules", "all"], "say on what, --train"),
        (["--size", "web=9", "--size", "books=1", "--method", "aioli"], "say on what, --train"),
        (["--train", "web=x.jsonl"], "--train writes a table of runs: name it"),
    ):
        done = CliRunner().invoke(app, ["corpus", "mix", *more])
        assert done.exit_code == 2 and said in done.output, done.output


def test_rounds_give_the_update_of_the_true_law_and_what_to_learn_next() -> None:
    world = worlds.short_rounds(3)
    found = mix(rounds(), method="aioli", sizes=dict(zip(GROUPS, worlds.NATURAL, strict=True)))
    rows = found["proportions"]
    assert np.abs(np.array([row["best"] for row in rows]) - world.truth).max() < 0.03
    assert all(row["low"] <= row["best"] <= row["high"] for row in rows)
    assert found["losses"] == [f"{name}_drop" for name in GROUPS], "drops belong to groups by their names"
    assert found["law"]["fidelity"] > 0.9 and found["law"]["left_out_fidelity"] > 0.9
    assert sorted(row["next"] for row in rows)[-1] == 0.75 and "keep the proportions" not in str(found)
    moved = mix(rounds(), method="aioli")["proportions"]
    assert moved[0]["natural"] == pytest.approx(float(rounds()["web"].mean()))


def test_intervals_of_the_update_hold_what_the_true_law_gives() -> None:
    held = []
    for seed in range(40):
        found = mix(rounds(seed), method="aioli", sizes=dict(zip(GROUPS, worlds.NATURAL, strict=True)))
        held += [row["low"] <= true <= row["high"]
                 for row, true in zip(found["proportions"], worlds.short_rounds(seed).truth, strict=True)]  # fmt: skip
    assert 0.87 <= np.mean(held) <= 0.985


def test_a_law_that_does_not_hold_is_called_so() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (10, 5))
    frame = rounds().with_columns(pl.Series(f"{name}_drop", noise[:, at]) for at, name in enumerate(GROUPS))
    found = mix(frame, method="aioli")
    assert "keep the proportions in use" in found.verdict and found["law"]["left_out_fidelity"] < 0.5
    few = mix(rounds().head(5), method="aioli")
    assert few["law"]["left_out_fidelity"] is None and "keep the proportions in use" in few.verdict
    assert all((row["low"], row["high"]) == (0, 1) for row in few["proportions"]), "errors are unknown"


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        (lambda frame: frame.head(4), {}, "4 rounds for 5 groups"),
        (lambda frame: frame.drop("web_drop"), {}, "4 columns of drops for 5 groups"),
        (lambda frame: frame.drop([f"{name}_drop" for name in GROUPS]), {}, "no column of drops of losses"),
        (lambda frame: pl.concat([frame.head(1)] * 6), {}, "do not tell the groups apart"),
        (lambda frame: frame, {"budget": 5.0}, "budget, wanted and quality are for a plan without runs"),
        (lambda frame: frame, {"sizes": {"web": 1.0}}, "nothing for books"),
    ],
)
def test_wrong_rounds_are_told(change: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        mix(change(rounds()), method="aioli", **settings)


def test_the_command_takes_rounds(tmp_path: Path) -> None:
    from holdfast.cli.app import app

    rounds().write_csv(tmp_path / "rounds.csv")
    done = CliRunner().invoke(app, ["corpus", "mix", str(tmp_path / "rounds.csv"), "--method", "aioli"])
    assert done.exit_code == 0 and "next round to learn from" in done.output, done.output
