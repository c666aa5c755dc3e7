"""The command `corpus membership`: texts that are known stand out, at the rate of false alarms that is promised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from holdfast.audit.load import InputError
from holdfast.contamination.membership import membership


def rows(count: int, known: int, seed: int, kind: str) -> list[dict[str, Any]]:
    """Texts with log-probabilities; those of the first `known` are as of a model that has read them."""
    rng, found = np.random.default_rng(seed), []
    for number in range(count):
        spread, size = 1.0 if number < known else 3.0, int(rng.integers(30, 60))
        found.append(
            {"text": f"{kind} text number {number} of some words", "token_ranks": rng.integers(0, 4, size).tolist(),
             "token_log_probs": (-spread * rng.exponential(size=size)).tolist(),
             "reference_token_log_probs": (-3.0 * rng.exponential(size=size)).tolist()}
        )  # fmt: skip
    return found


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_known_texts_are_flagged_and_others_are_not(tmp_path: Path) -> None:
    texts, unseen = write(tmp_path / "t.jsonl", rows(40, 15, 0, "a")), write(tmp_path / "u.jsonl", rows(200, 0, 1, "b"))
    found = membership(texts, unseen)
    flagged = [row["flagged"] for row in found["texts"]]
    assert sum(flagged[:15]) >= 13 and sum(flagged[15:]) <= 4
    assert {row["test"] for row in found["tests"]} == {
        "loss", "Min-K%", "zlib ratio", "n-gram accuracy", "reference ratio"
    }  # fmt: skip
    assert all(row["false_alarms"] <= 0.15 for row in found["tests"]) and "knows" in found.verdict


def test_the_joint_pvalue_is_honest_where_nothing_is_known(tmp_path: Path) -> None:
    unseen = write(tmp_path / "u.jsonl", rows(200, 0, 1, "b"))
    found = membership(write(tmp_path / "t.jsonl", rows(200, 0, 2, "a")), unseen)
    pvalues = np.array([row["pvalue"] for row in found["texts"]])
    assert (pvalues <= 0.05).mean() <= 0.11 and pvalues.min() > 0 and not any(row["flagged"] for row in found["texts"])


def test_wrong_input_is_told_and_the_command(tmp_path: Path) -> None:
    from holdfast.cli.app import app

    good, few = write(tmp_path / "u.jsonl", rows(30, 0, 1, "b")), write(tmp_path / "few.jsonl", rows(5, 0, 3, "c"))
    cases = [(good, good, "unseen holds 30 of the texts"), (good, few, "5 unseen texts; expected at least 19")]
    (tmp_path / "texts.txt").write_text("plain\n")
    cases.append((tmp_path / "texts.txt", good, "without a model"))
    broken = rows(30, 0, 4, "d")
    broken[1]["token_log_probs"][0] = float("nan")
    cases.append((write(tmp_path / "nan.jsonl", broken), good, "row 2: token_log_probs is not finite"))
    broken = rows(3, 0, 4, "d")
    broken[2].pop("token_log_probs")
    cases.append((write(tmp_path / "none.jsonl", broken), good, "line 3: no list 'token_log_probs'"))
    for texts, unseen, said in cases:
        with pytest.raises(InputError, match=said):
            membership(texts, unseen)
    done = CliRunner().invoke(app, ["corpus", "membership", str(few), str(good), "-o", str(tmp_path / "found.json")])
    assert done.exit_code == 0 and json.loads((tmp_path / "found.json").read_text())["texts"], done.output
    done = CliRunner().invoke(app, ["corpus", "membership", str(few), str(good), "--model", str(tmp_path)])
    assert done.exit_code == 2
