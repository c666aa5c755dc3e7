"""The verb `contamination`: a tiny model with a benchmark in its training data, and one without."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("torch", reason="language models need torch")

import holdfast
from holdfast import nets
from holdfast.audit.load import InputError
from holdfast.contamination.run import TESTS
from holdfast.contamination.texts import read_items, read_texts
from holdfast.faults.worlds import _reader as reader

TEXTS = [" ".join(text.split()[:8]) for text in reader.pieces()[:160]]
BENCHMARK, UNSEEN, OTHER = TEXTS[:30], TEXTS[30:60], TEXTS[60:]
NAMED = reader.pieces()[160:200]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("contamination")
    pieces = ["\n".join(BENCHMARK[first : first + 3]) for first in range(0, 30, 3)]
    sizes = {"merges": 100, "width": 32, "context": 80, "seed": 1}
    seen, _ = nets.train_language_model([*pieces * 25, *OTHER], epochs=1, **sizes)
    clean, _ = nets.train_language_model(OTHER * 2, epochs=1, **sizes)
    (folder / "benchmark.txt").write_text("\n".join(BENCHMARK), encoding="utf-8")
    rows = "\n".join(
        f'{{"question": {text!r}}}'.replace("'", '"') for text in UNSEEN if "'" not in text and '"' not in text
    )
    (folder / "unseen.jsonl").write_text(rows, encoding="utf-8")
    return {
        "seen": str(seen.save(folder / "seen.safetensors")), "clean": str(clean.save(folder / "clean.safetensors")),
        "benchmark": str(folder / "benchmark.txt"), "unseen": str(folder / "unseen.jsonl"),
    }  # fmt: skip


def test_a_benchmark_in_training_is_found_and_one_that_was_not_is_not(files: dict[str, str]) -> None:
    found = holdfast.contamination(files["seen"], BENCHMARK, UNSEEN, piece=3, orders=9)
    adjusted = {row["test"]: row["adjusted"] for row in found["tests"]}
    assert adjusted["order test"] < 0.001 and adjusted["dataset inference"] < 0.05, adjusted
    assert "has seen" in found.verdict and sum(row["flagged"] for row in found["texts"]) > 10
    clean = holdfast.contamination(files["clean"], BENCHMARK, UNSEEN, reference=files["seen"], piece=3, orders=9)
    assert min(row["adjusted"] for row in clean["tests"]) > 0.01, clean["tests"]
    assert sum(row["flagged"] for row in clean["texts"]) <= 3


def test_single_texts_are_told_apart_too(files: dict[str, str]) -> None:
    from holdfast.contamination.membership import membership

    found = membership(BENCHMARK, UNSEEN, files["seen"])
    assert sum(row["flagged"] for row in found["texts"]) > 10 and len(found["tests"]) == 7
    assert len(membership(BENCHMARK, UNSEEN, files["seen"], thorough=False)["tests"]) == 5
    clean = membership(BENCHMARK, UNSEEN, files["clean"])
    assert sum(row["flagged"] for row in clean["texts"]) <= 3


class Choices(NamedTuple):
    """A model that has read half of some multiple-choice items 30 times as published, and texts after a name."""

    model: nets.LanguageModel
    read: list[dict[str, Any]]
    unread: list[dict[str, Any]]


@pytest.fixture(scope="module")
def choices() -> Choices:
    rng = np.random.default_rng(0)
    words = sorted({word for text in reader.pieces() for word in text.split() if word.isalpha() and len(word) > 3})
    items = [
        {"text": " ".join(text.split()[:8]), "options": [str(word) for word in rng.choice(words, 4, replace=False)]}
        for text in reader.pieces()[:80]
    ]
    written = ["\n".join([item["text"], *map(". ".join, zip("ABCD", item["options"]))]) for item in items[:40]]  # noqa: B905
    named = [f"PyBench test: {text}" for text in NAMED]
    model, _ = nets.train_language_model(
        [*(written + named) * 30, *OTHER], merges=200, width=48, context=80, epochs=1, seed=1
    )
    return Choices(model, items[:40], items[40:])


def test_options_and_names_are_asked_for(choices: Choices) -> None:
    found = holdfast.contamination(choices.model, choices.read, choices.unread, name="PyBench test:", orders=9)
    pvalues = {row["test"]: row["pvalue"] for row in found["tests"]}
    assert [*pvalues, "provenance"] == list(TESTS), pvalues
    assert max(pvalues["option shuffling"], pvalues["slot guessing"]) < 0.01, pvalues
    asked = ("option shuffling", "slot guessing", "guided completion")
    unread = [item["text"] for item in choices.unread]
    named = holdfast.contamination(choices.model, NAMED, unread, name="PyBench test:", tests=["guided completion"])
    assert named["tests"][0]["pvalue"] < 0.01, named["tests"]
    shuffled = [{**item, "options": item["options"][::-1]} for item in choices.unread]
    clean = holdfast.contamination(choices.model, shuffled[:20], shuffled[20:], name="PyBench test:", tests=asked)
    assert [row["test"] for row in clean["tests"]] == list(asked)
    assert min(row["adjusted"] for row in clean["tests"]) > 0.01, clean["tests"]
    assert "No test finds" in clean.verdict


def test_one_question_costs_no_other(choices: Choices, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.contamination.said import Said

    monkeypatch.setattr(Said, "reworded", None)
    monkeypatch.setattr(Said, "scores", None)
    found = holdfast.contamination(choices.model, choices.read, choices.unread, tests=["option shuffling"])
    assert found["tests"][0]["pvalue"] < 0.01 and len(found["texts"]) == 40


def test_the_order_of_a_run_shows_in_the_model_that_stems_from_it() -> None:
    model, step = reader.ordered_run(1)
    texts = reader._dealt("ordered")
    in_order = [texts[place] for place in np.argsort(step, kind="stable")]
    other = [texts[place] for place in np.random.default_rng(5).permutation(len(texts))]
    for order, low, high in ((in_order, 0.0, 0.01), (other, 0.01, 1.0)):
        found = holdfast.contamination(
            model, BENCHMARK, UNSEEN, trained_on=order, reference=reader.ordered_run(3)[0], tests=["provenance"]
        )
        assert low <= found["tests"][0]["pvalue"] <= high, found["tests"]


def test_what_the_items_do_not_allow_is_said(choices: Choices) -> None:
    with pytest.raises(InputError, match=r"no test 'slot gussing'\. Did you mean 'slot guessing'"):
        holdfast.contamination(choices.model, choices.read, choices.unread, tests=["slot gussing"])
    with pytest.raises(InputError, match=r"no test could be run\. Option shuffling was left out: fewer than 8 items"):
        holdfast.contamination(choices.model, BENCHMARK, UNSEEN, tests=["option shuffling"])
    with pytest.raises(InputError, match="options are 'abc'; expected a list"):
        holdfast.contamination(choices.model, [{"text": "a b", "options": "abc"}], UNSEEN)
    short = holdfast.contamination(choices.model, BENCHMARK[:9], UNSEEN, thorough=False)
    assert any("Order test was left out: fewer than 10 texts" in note for note in short["notes"])


def test_columns_of_options_are_found(choices: Choices, tmp_path: Path) -> None:
    for name, items in (("read", choices.read), ("unread", choices.unread)):
        rows = [[item["text"], *item["options"], "A"] for item in items]
        with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["question", "A", "B", "C", "D", "answer"], *rows])
    read = read_items(tmp_path / "read.csv", "benchmark", "question")
    assert [item.options for item in read] == [tuple(item["options"]) for item in choices.read]
    assert read_texts(tmp_path / "read.csv", "benchmark", "question") == [item["text"] for item in choices.read]


def test_files_and_saving(files: dict[str, str], tmp_path: Path) -> None:
    found = holdfast.contamination(files["seen"], files["benchmark"], UNSEEN, piece=3, orders=5, ordered=False)
    assert [row["test"] for row in found["tests"]] == ["dataset inference", "rewording gap"]
    quick = holdfast.contamination(files["seen"], files["benchmark"], UNSEEN, ordered=False, thorough=False)
    assert [row["test"] for row in quick["tests"]] == ["dataset inference"]
    assert '"schema"' in found.save(tmp_path / "found.json").read_text(encoding="utf-8")


def test_on_the_command_line(files: dict[str, str], tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from holdfast.cli.corpus import app

    (tmp_path / "unseen.txt").write_text("\n".join(UNSEEN), encoding="utf-8")
    call = ["contamination", files["seen"], files["benchmark"], str(tmp_path / "unseen.txt"), "--piece", "3"]
    done = CliRunner().invoke(app, [*call, "--orders", "9", "--out", str(tmp_path / "found.json")])
    assert done.exit_code == 0 and "order test" in done.output, done.output
    assert (tmp_path / "found.json").exists()
    call[3] = str(tmp_path / "none.txt")
    assert CliRunner().invoke(app, call).exit_code == 2


def test_errors_say_where_and_what(files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # long paths are cut in messages
    with pytest.raises(InputError, match=r"no field 'questio'\. Did you mean 'question'"):
        holdfast.contamination(files["clean"], BENCHMARK, files["unseen"], field="questio")
    with pytest.raises(InputError, match="30 of the benchmark's own texts"):
        holdfast.contamination(files["clean"], BENCHMARK, BENCHMARK)
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n{"text": ', encoding="utf-8")
    with pytest.raises(InputError, match="line 2: not JSON"):
        holdfast.contamination(files["clean"], BENCHMARK, tmp_path / "broken.jsonl")
    with pytest.raises(InputError, match=r"none\.txt cannot be read: No such file"):
        holdfast.contamination(files["clean"], "none.txt", UNSEEN)
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"empty\.csv: not a table"):
        holdfast.contamination(files["clean"], "empty.csv", UNSEEN)
    with pytest.raises(InputError, match="no such file"):
        holdfast.contamination(str(tmp_path / "none.safetensors"), BENCHMARK, UNSEEN)
