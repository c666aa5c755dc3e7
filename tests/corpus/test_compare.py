"""`corpus compare`: what is in one and not in the other, what is new, by domain; nothing where nothing is."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from holdfast.audit.load import InputError
from holdfast.corpus import compare
from holdfast.faults.worlds.shift import _documents


@cache
def halves() -> tuple[list[str], list[str], list[str]]:
    summaries, parameters = _documents()
    order = np.random.default_rng(0).permutation(summaries)
    distinct = list(dict.fromkeys(order))
    return distinct[:75], distinct[75:150], list(parameters[:20])


def write(path: Path, rows: dict[str, list[str]]) -> Path:
    lines = [{"text": text, "kind": kind} for kind, texts in rows.items() for text in texts]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_copies_new_documents_and_domains_are_told(tmp_path: Path) -> None:
    old, new, strange = halves()
    a = write(tmp_path / "a.jsonl", {"prose": old})
    b = write(tmp_path / "b.jsonl", {"prose": [*new[:60], *old[:10]], "parameters": strange})
    found = compare(a, b, domain="kind", sample=100)
    assert found["overlap"]["b"] == {"documents": 90, "also_in_a": 10, "broken": 0}
    assert found["overlap"]["a"]["also_in_b"] == 10
    by_name: dict[str, Any] = {row["domain"]: row for row in found["domains"]}
    assert (by_name["parameters"]["a"], by_name["parameters"]["b"]) == (0, 20)
    assert by_name["prose"]["also_in_a"] == 10 and by_name["prose"]["nearest"] == "prose"
    assert by_name["parameters"]["new"] > by_name["prose"]["new"] + 0.3
    documents = found["novelty"]["documents"]
    assert len(documents) == 5 and not {one["text"] for one in documents} & {text[:300] for text in old}
    assert len(found["novelty"]["made_up"]) == 5
    alike = found["similarity"]
    assert 0 < alike["words"]["shared"] < 1 and alike["surprise"]["value"] > 0 and alike["vectors"]["low"] <= 1
    assert "stand in A word for word" in str(found)


def test_two_halves_of_one_corpus_are_alike(tmp_path: Path) -> None:
    old, new, _ = halves()
    found = compare(write(tmp_path / "a.jsonl", {"x": old}), write(tmp_path / "b.jsonl", {"x": new}), sample=80)
    assert found["laws"]["all"]["pvalue"] > 0.01 and found["gaps"]["all"]["pvalue"] > 0.01
    assert found["novelty"]["share"]["low"] < 0.25 and found["overlap"]["b"]["also_in_a"] == 0
    assert [row["domain"] for row in found["domains"]] == ["a.jsonl", "b.jsonl"]
    same = compare(tmp_path / "a.jsonl", tmp_path / "a.jsonl", sample=80)
    assert same["similarity"]["surprise"]["value"] == 0 and same["novelty"]["share"]["value"] == 0


def test_other_formats_the_command_and_wrong_input(tmp_path: Path) -> None:
    from holdfast.cli.app import app

    old, new, _ = halves()
    pl.DataFrame({"body": old[:30]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"body": new[:30]}).write_csv(tmp_path / "b.csv")
    words = ["corpus", "compare", str(tmp_path / "a.parquet"), str(tmp_path / "b.csv"), "--text", "body"]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "found.json")])
    assert done.exit_code == 0 and json.loads((tmp_path / "found.json").read_text())["overlap"], done.output
    done = CliRunner().invoke(app, words[:-2])
    assert done.exit_code == 2 and "no column 'text'. Did you mean 'body'" in done.output
    write(tmp_path / "few.jsonl", {"x": old[:3]})
    with pytest.raises(InputError, match="expected at least 8 on each side"):
        compare(tmp_path / "few.jsonl", tmp_path / "few.jsonl")
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(InputError, match="corpus A holds no document"):
        compare(tmp_path / "none.jsonl", tmp_path / "few.jsonl")
