"""The verb of `holdfast corpus membership`: which of these texts does a language model know, at what risk of error?"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.audit.load.errors import InputError, safe_text
from holdfast.contamination.run import open_model
from holdfast.contamination.said import Said
from holdfast.contamination.texts import read_texts
from holdfast.ops.multiple_testing import benjamini_hochberg
from holdfast.report.tables import Tables

if TYPE_CHECKING:
    from holdfast.nets import LanguageModel

LISTED = 20
LEAST = 19  # unseen texts: fewer cannot give a p-value of .05
ARRAYS = ("token_log_probs", "token_means", "token_spreads", "token_ranks", "reference_token_log_probs")


def membership(
    texts: Sequence[str] | str | os.PathLike[str],
    unseen: Sequence[str] | str | os.PathLike[str],
    model: LanguageModel | str | os.PathLike[str] | None = None,
    *,
    reference: LanguageModel | str | os.PathLike[str] | None = None,
    field: str = "text",
    rate: float = 0.1,
    thorough: bool = True,
    seed: int = 0,
) -> Tables:
    """Test text by text whether a language model has read it.

    Parameters
    ----------
    texts, unseen
        Texts, or a file of them. `unseen` are of the same kind and cannot be known: every p-value is a place among
        them. Without a model both are .jsonl files whose rows hold `token_log_probs`, a list a text (and, where there
        are any, `token_means`, `token_spreads`, `token_ranks`, `reference_token_log_probs`).
    model, reference
        A `LanguageModel`, a file that one was saved to, or the folder of a Hugging Face model; the reference has not
        read the texts.
    rate
        The largest share of unread texts expected among those that are flagged.
    thorough
        Read texts with words moved as well, and let the model complete them: a third of the speed, two more scores.

    Returns
    -------
    Tables
        `texts` (score and p-value by every test, the joint p-value, flagged), `tests` (how many texts each flags alone,
        and its rate of false alarms at .05, measured on unseen texts that were kept apart).
    """
    sides = [
        _readings(given, what, model, reference, field, thorough)
        for given, what in ((texts, "texts"), (unseen, "unseen"))
    ]
    (names, suspects), (others, clean) = sides
    if shared := set(names) & set(others):
        raise InputError(f"unseen holds {len(shared)} of the texts themselves: they cannot be texts it never saw.")
    if len(others) < LEAST:
        raise InputError(f"{len(others)} unseen texts; expected at least {LEAST}: with fewer no p-value can reach .05.")
    tests = [name for name in suspects if name in clean]
    apart = np.random.default_rng(seed).permutation(len(others))
    first, second = apart[: len(apart) // 2], apart[len(apart) // 2 :]
    pvalues = np.array([_places(suspects[name], clean[name]) for name in tests])
    joint = joint_pvalues(np.array([suspects[name] for name in tests]), np.array([clean[name] for name in tests]))
    flagged = benjamini_hochberg(joint) <= rate
    by_test = [
        {
            "test": name,
            "flagged": int((benjamini_hochberg(pvalue) <= rate).sum()),
            "false_alarms": float((_places(clean[name][second], clean[name][first]) <= 0.05).mean()),
            "below_05": float((pvalue <= 0.05).mean()),
        }
        for name, pvalue in zip(tests, pvalues, strict=True)
    ]
    by_text = [
        {"text": name, "pvalue": float(joint[row]), "flagged": bool(flagged[row]),
         "scores": {test: float(suspects[test][row]) for test in tests},
         "pvalues": {test: float(pvalues[at][row]) for at, test in enumerate(tests)}}
        for row, name in enumerate(names)
    ]  # fmt: skip
    return Tables(_record(by_test, by_text, rate, len(others)))


def _places(score: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """The conformal p-value of every score among those of texts that the model cannot know."""
    ordered = np.sort(clean)
    return (1 + len(ordered) - np.searchsorted(ordered, score, side="left")) / (len(ordered) + 1)


def joint_pvalues(score: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """(n,) conformal p-values of the mean log place that (m, n) scores have by m tests among (m, c) clean ones.

    Clean texts are ranked in the same way with the text that is judged among them, so that the p-value is valid however
    the tests hang together.

    >>> joint_pvalues(np.array([[9.0, 0.0], [1.0, 0.5]]), np.array([[1.0, 2, 3, 4], [4.0, 3, 2, 1]])).tolist()
    [0.4, 1.0]
    """
    above = np.array([len(row) - np.searchsorted(np.sort(row), row, side="left") for row in clean])  # with itself
    found = np.empty(score.shape[1])
    for at, one in enumerate(score.T):
        mine = np.log(1 + (clean >= one[:, None]).sum(axis=1)).mean()
        theirs = np.log(above + (one[:, None] >= clean)).mean(axis=0)
        found[at] = (1 + (theirs <= mine + 1e-12).sum()) / (clean.shape[1] + 1)
    return found


def _readings(
    given: Any, what: str, model: Any, reference: Any, field: str, thorough: bool
) -> tuple[list[str], dict[str, np.ndarray]]:  # fmt: skip
    """The texts and their scores by every test that what is at hand allows, larger = better known."""
    if model is not None:
        names = read_texts(given, what, field)
        other = None if reference is None else open_model(reference)
        return names, Said(open_model(model), other, names, thorough).scores
    rows = _rows(given, what)
    names = [str(row.get(field, f"{what} {number}")) for number, row in enumerate(rows, 1)]
    return names, _scores_of(rows, names, what)


def _rows(given: Any, what: str) -> list[dict[str, Any]]:
    path = Path(str(given))
    if not isinstance(given, (str, os.PathLike)) or path.suffix not in (".jsonl", ".ndjson"):
        raise InputError(f"{what}: without a model, expected a .jsonl file whose rows hold token_log_probs.")
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{safe_text(path)} cannot be read: {problem}.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise InputError(f"{safe_text(path)}, line {number}: not JSON.") from None
        if not isinstance(row, dict) or not isinstance(row.get(ARRAYS[0]), list) or not row[ARRAYS[0]]:
            raise InputError(f"{safe_text(path)}, line {number}: no list {ARRAYS[0]!r}. Give these, or --model.")
        rows.append(row)
    if not rows:
        raise InputError(f"{safe_text(path)} holds no text.")
    return rows


def _scores_of(rows: list[dict[str, Any]], names: list[str], what: str) -> dict[str, np.ndarray]:
    from holdfast import language

    arrays: dict[str, Any] = {name: [row[name] for row in rows] for name in ARRAYS if all(name in row for row in rows)}
    for name, lists in arrays.items():
        for number, (one, first) in enumerate(zip(lists, arrays[ARRAYS[0]], strict=True), 1):
            if name != "reference_token_log_probs" and len(one) != len(first):
                raise InputError(f"{what} row {number}: {len(one)} {name} for {len(first)} token_log_probs.")
            if not np.isfinite(np.asarray(one, dtype=float)).all():
                raise InputError(f"{what} row {number}: {name} is not finite. Did the model return NaN?")
    total = np.array([float(np.sum(one)) for one in arrays["token_log_probs"]])
    likely = arrays["token_log_probs"]
    found = {
        "loss": language.MinKProb(share=1.0).score_rows(token_log_probs=likely),
        "Min-K%": language.MinKProb().score_rows(token_log_probs=likely),
        "zlib ratio": language.ZlibRatio().score_rows(text=np.array(names, dtype=object), log_likelihood=total),
    }
    if {"token_means", "token_spreads"} <= set(arrays):
        found["Min-K%++"] = language.MinKPlusPlus().score_rows(
            token_log_probs=likely, token_means=arrays["token_means"], token_spreads=arrays["token_spreads"]
        )
    if "token_ranks" in arrays:
        found["n-gram accuracy"] = language.NGramAccuracy().score_rows(token_ranks=arrays["token_ranks"])
    if "reference_token_log_probs" in arrays:
        other = np.array([float(np.sum(one)) for one in arrays["reference_token_log_probs"]])
        found["reference ratio"] = language.ReferenceRatio().score_rows(
            log_likelihood=total, reference_log_likelihood=other
        )
    return found


def _record(by_test: list[dict[str, Any]], by_text: list[dict[str, Any]], rate: float, clean: int) -> dict[str, Any]:
    count = sum(row["flagged"] for row in by_text)
    worst = sorted(by_text, key=lambda row: (not row["flagged"], row["pvalue"]))[:LISTED]
    tables = [
        {
            "title": "Tests",
            "head": ["test", "flagged alone", "p <= .05", "false alarms at .05"],
            "rows": [[row["test"], row["flagged"], row["below_05"], row["false_alarms"]] for row in by_test],
        },
        {
            "title": "Texts that stand out",
            "head": ["text", "joint p", "best test", "flagged"],
            "rows": [
                [row["text"], row["pvalue"], min(row["pvalues"], key=row["pvalues"].__getitem__),
                 "yes" if row["flagged"] else ""]
                for row in worst
            ],
        },
    ]  # fmt: skip
    verdict = (
        f"The model knows {count} of {len(by_text)} texts; at most {rate:.0%} of these are expected to be false alarms."
        if count
        else f"No text stands out among {len(by_text)}. A text that was read once or twice may not show."
    )
    notes = [
        f"Judged against {clean} texts taken to be unseen: p-values are as good as they are alike in kind. The joint "
        "p-value is that of the mean log place over all tests, among those of unseen texts.",
    ]
    return {"schema": "holdfast/membership/1", "verdict": verdict, "tests": by_test, "texts": by_text, "tables": tables,
            "notes": notes}  # fmt: skip
