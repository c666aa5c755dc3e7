"""`corpus decontaminate`: items word for word, short ones too, rephrased ones; evidence; layouts; scores compared."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from made import rows_of, write_as
from typer.testing import CliRunner

from holdfast.audit.load import InputError
from holdfast.corpus import decontaminate, restore
from holdfast.datasets.corpora import real_documents

pytest.importorskip("numba", reason="the extra corpus is not installed")
DATA = os.environ.get("HOLDFAST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="HOLDFAST_DATA is not set: the benchmarks are not here")
ITEMS = [
    "Maria picked 37 apples in the orchard and gave 12 of them to her neighbour Tobias. How many apples are left?",
    "Which gas do plants absorb from the atmosphere during photosynthesis?",
    "Name the capital of Burkina Faso.",
    "A lighthouse keeper climbs 212 steps twice a day. How many steps does he climb in a fortnight?",
]
REPHRASED = (
    "In the orchard Maria gathered 37 apples; Tobias, her neighbour, got 12. What number of apples has she left?"
)


def hide(texts: list[str], hosts: list[str], seed: int = 0) -> list[str]:
    rng, hidden = np.random.default_rng(seed), []
    for text, host in zip(texts, hosts, strict=True):
        words = host.split(" ")
        at = int(rng.integers(len(words) + 1))
        hidden.append(" ".join([*words[:at], text, *words[at:]]))
    return hidden


def test_verbatim_short_and_rephrased_items_are_found_with_evidence(tmp_path: Path) -> None:
    hosts = list(real_documents()[:100])
    texts = hide([*ITEMS, REPHRASED], hosts[:5]) + hosts[5:]
    source = write_as(texts, tmp_path / "docs.jsonl")
    (tmp_path / "bench.jsonl").write_text("".join(json.dumps({"question": item}) + "\n" for item in ITEMS))
    summary = decontaminate(source, tmp_path / "out", against=tmp_path / "bench.jsonl")
    hits = [json.loads(line) for line in (tmp_path / "out" / "hits.jsonl").read_text().splitlines()]
    assert sorted((hit["line"], hit["item"]) for hit in hits) == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 1)]
    for hit in hits[:4]:
        assert hit["score"] == 1.0
    assert 0.2 <= hits[4]["score"] < 1.0
    for hit in hits:
        low, high = hit["span"]
        assert texts[hit["line"] - 1][low:high].strip().startswith(hit["found"][:20])
    assert "Burkina Faso" in hits[2]["found"]
    assert summary["benchmarks"] == {"bench.jsonl": {"items": 4, "contaminated": 4}}
    assert [row["rule"] for row in rows_of(tmp_path / "out")] == ["contaminated"] * 5
    restore(tmp_path / "out", tmp_path / "back")
    assert (tmp_path / "back" / "docs.jsonl").read_bytes() == source.read_bytes()


def test_words_scattered_over_a_long_document_are_no_hit(tmp_path: Path) -> None:
    words, filler = ITEMS[0].split(), " ".join(real_documents()[0].split()[:60])
    spread = f" {filler} ".join(words)
    (tmp_path / "bench.txt").write_text("\n".join(ITEMS))
    source = write_as([spread, *real_documents()[1:40]], tmp_path / "docs.jsonl")
    assert decontaminate(source, tmp_path / "out", against=tmp_path / "bench.txt")["removed"] == {}


def test_scores_on_clean_and_contaminated_items(tmp_path: Path) -> None:
    hosts = list(real_documents()[:60])
    items = [f"{ITEMS[0]} Variant {name}." for name in ("Quixote", "Zarathustra", "Babylon", "Nineveh")] + ITEMS
    source = write_as(hide(items[4:7], hosts[:3]) + hosts[3:], tmp_path / "docs.jsonl")
    rows = [{"prompt": item, "correct": number >= 4} for number, item in enumerate(items)]
    (tmp_path / "bench.json").write_text(json.dumps({"name": "x", "data": rows}))
    gap = decontaminate(source, tmp_path / "out", against=tmp_path / "bench.json", threshold=0.9)["scores"]
    assert gap["items_contaminated"] == 3 and gap["contaminated"] == 1.0 and gap["clean"] == 0.2
    assert gap["difference"] == pytest.approx(0.8) and gap["low"] < 0.8 < gap["high"]
    (tmp_path / "scores.csv").write_text("score\n" + "0.5\n" * 8)
    flat = decontaminate(
        source, tmp_path / "flat", against=tmp_path / "bench.json", threshold=0.9, scores=tmp_path / "scores.csv"
    )
    assert flat["scores"]["difference"] == 0.0
    (tmp_path / "scores.csv").write_text("score\n0.5\n")
    with pytest.raises(InputError, match="1 scores for 8 items"):
        decontaminate(source, tmp_path / "x", against=tmp_path / "bench.json", scores=tmp_path / "scores.csv")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("b.jsonl", '{"question": "good one"}\n{"question": "?!"}\n', r"item 2: its 'question' holds no word"),
        ("b.csv", 'question\n""\n', "holds no word"),
        ("b.json", '[{"x": 1}]', "which field is the text"),
        ("b.jsonl", '{"question": "a"}\n{broken\n', "line 2: broken JSON"),
        ("b.json", "[]", "no items"),
    ],
)
def test_an_item_that_cannot_be_looked_for_is_an_error(name: str, data: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(data)
    with pytest.raises(InputError, match=said):
        decontaminate(write_as(["a b c"], tmp_path / "x.jsonl"), tmp_path / "out", against=tmp_path / name)


def test_the_command(tmp_path: Path) -> None:
    from holdfast.cli.app import app

    (tmp_path / "bench.csv").write_text("question,correct\n" + "".join(f'"{item}",1\n' for item in ITEMS))
    source = write_as(hide(ITEMS[:2], list(real_documents()[:2])), tmp_path / "docs.jsonl")
    words = ["corpus", "decontaminate", str(source), "--against", str(tmp_path / "bench.csv"), "-o"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "bench.csv: 2 of 4 items are in the corpus" in done.output and "difference +0.000" in done.output
    done = CliRunner().invoke(app, [*words[:-2], str(tmp_path / "no.csv"), "-o", str(tmp_path / "x")])
    assert done.exit_code == 2


@needs_data
@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("gsm8k/test.jsonl.gz", 1319),
        ("mmlu/mmlu_dev_test_csv.tar.xz", 14042 + 285),
        ("humaneval/HumanEval.jsonl.gz", 164),
        ("truthfulqa/TruthfulQA.csv.gz", 817),
    ],
)
def test_known_layouts(path: str, items: int) -> None:
    from holdfast.corpus.benchmarks import read_items

    found = read_items([Path(str(DATA)) / path])
    assert len(found) == items
    assert min(len(item.text) for item in found) > 8


@needs_data
def test_rephrased_gsm8k_hidden_in_real_documents(tmp_path: Path) -> None:
    """The bar: 90 % of the rephrased items, all verbatim ones; false documents are counted in benchmarks/corpus.py."""
    folder = Path(str(DATA))
    path, other = folder / "gsm8k" / "test.jsonl.gz", folder / "rephrased_gsm8k" / "rephrase_gsm8k.jsonl.gz"
    rows = [gzip.decompress(file.read_bytes()).decode().splitlines() for file in (path, other)]
    questions = [json.loads(row)["question"] for row in rows[0]]
    rephrased = [json.loads(row)["text"].split("\nAnswer")[0].removeprefix("Question: ") for row in rows[1]]
    hosts = list(real_documents()[:4000])
    texts = hide(rephrased, hosts[:1319]) + hide(questions, hosts[1319:2638]) + hosts[2638:]
    decontaminate(write_as(texts, tmp_path / "docs.jsonl"), tmp_path / "out", against=path)
    hits = [json.loads(line) for line in (tmp_path / "out" / "hits.jsonl").read_text().splitlines()]
    pairs = {(hit["line"] - 1, hit["item"] - 1) for hit in hits}
    assert sum((number, number) in pairs for number in range(1319)) >= 0.88 * 1319
    assert all((1319 + number, number) in pairs for number in range(1319))
    assert len({line for line, _ in pairs if line >= 2638}) <= 2
