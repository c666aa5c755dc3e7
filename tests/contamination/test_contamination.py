"""The verb `contamination`: a tiny model with a benchmark in its training data, and one without."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="language models need torch")

import holdfast
from holdfast import nets
from holdfast.audit.load import InputError
from holdfast.faults.worlds import _reader as reader

TEXTS = [" ".join(text.split()[:8]) for text in reader.pieces()[:160]]
BENCHMARK, UNSEEN, OTHER = TEXTS[:30], TEXTS[30:60], TEXTS[60:]


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
    assert sum(row["flagged"] for row in found["texts"]) > 10 and len(found["tests"]) == 5
    clean = membership(BENCHMARK, UNSEEN, files["clean"])
    assert sum(row["flagged"] for row in clean["texts"]) <= 3


def test_files_and_saving(files: dict[str, str], tmp_path: Path) -> None:
    found = holdfast.contamination(files["seen"], files["benchmark"], UNSEEN, piece=3, orders=5, ordered=False)
    assert [row["test"] for row in found["tests"]] == ["dataset inference"]
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
