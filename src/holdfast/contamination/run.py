"""The verb `contamination`: has a language model seen these texts, in this order?"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.audit.load.errors import InputError
from holdfast.contamination.asking import Asked, NotAskedError
from holdfast.contamination.texts import read_items, read_texts
from holdfast.core import Estimate
from holdfast.ops.multiple_testing import holm
from holdfast.report.tables import Tables

if TYPE_CHECKING:
    from holdfast.nets import LanguageModel

LEVEL = 0.05
LISTED = 20
TESTS = (
    "dataset inference", "order test", "rewording gap", "option shuffling", "slot guessing", "guided completion",
    "provenance",
)  # fmt: skip


def contamination(
    model: LanguageModel | str | os.PathLike[str],
    benchmark: Sequence[Any] | str | os.PathLike[str],
    unseen: Sequence[Any] | str | os.PathLike[str],
    *,
    reference: LanguageModel | str | os.PathLike[str] | None = None,
    field: str = "text",
    name: str = "",
    trained_on: Sequence[str] | str | os.PathLike[str] | None = None,
    tests: Sequence[str] = (),
    ordered: bool = True,
    thorough: bool = True,
    piece: int = 5,
    orders: int = 20,
    rate: float = 0.1,
    seed: int = 0,
) -> Tables:
    """Test whether a language model has seen a benchmark: as a set, in its order and wording, by its options and name.

    Parameters
    ----------
    model, reference
        A `LanguageModel`, a file that one was saved to, or the folder of a Hugging Face model. The reference is a
        model that cannot have seen the benchmark; it makes the verdict on the set sharper.
    benchmark, unseen
        Texts, or a file of them (.jsonl and .csv with `field`, else a text a line). `unseen` are texts of the same kind
        that the model cannot know, written after it was trained: the verdict is as good as they are alike. Options of
        multiple choice are a list `options` or `choices` of a row, or columns A, B, C, D.
    name
        What the benchmark is called, with its split ("GSM8K, test:"): whether the name helps the model to complete it.
    trained_on
        Texts in the order in which a training run of your own read them: whether the model stems from that run.
    tests
        Those to run; by default all that what is given allows for: dataset inference, order test, rewording gap, option
        shuffling, slot guessing, guided completion (needs `name`), provenance (needs `trained_on`).
    ordered
        The order of the benchmark, and that of options, mean nothing, so that the tests of orders apply; false where
        items or options are sorted.
    thorough
        Read texts with words moved as well, and let the model complete them: a third of the speed, two more scores and
        one more test.
    piece, orders
        Items a piece, and random orders of each, of the order test.
    rate
        The largest share of unseen texts expected among the texts that are flagged.

    Returns
    -------
    Tables
        `tests`: every test with estimate, p-value and the p-value adjusted for all of them (Holm); `texts`: every
        text of the benchmark with its score (Min-K%++), conformal p-value and whether it is flagged.
    """
    from holdfast.language import KnownTexts

    suspects, clean = read_items(benchmark, "benchmark", field), read_items(unseen, "unseen", field)
    if shared := {item.text for item in suspects} & {item.text for item in clean}:
        raise InputError(f"unseen holds {len(shared)} of the benchmark's own texts: they cannot be texts it never saw.")
    if min(len(suspects), len(clean)) < 8:
        raise InputError(f"{len(suspects)} and {len(clean)} texts; expected at least 8 on each side.")
    own = None if trained_on is None else read_texts(trained_on, "trained_on", field)
    chosen = _chosen(tests)
    asked = Asked(
        open_model(model), None if reference is None else open_model(reference), suspects, clean, thorough, seed
    )
    calls: dict[str, tuple[bool, Callable[[], Estimate]]] = {
        "dataset inference": (True, partial(_dataset_inference, asked)),
        "order test": (ordered, partial(asked.order_test, piece, orders)),
        "rewording gap": (thorough, asked.rewording_gap),
        "option shuffling": (ordered and any(item.options for item in suspects), asked.option_shuffling),
        "slot guessing": (any(item.options for item in suspects), asked.slot_guessing),
        "guided completion": (bool(name), partial(asked.guided_completion, name)),
        "provenance": (own is not None, partial(asked.provenance, own or [])),
    }
    found, notes = {}, []
    for test, (applies, call) in calls.items():
        if test in chosen if chosen else applies:
            try:
                found[test] = call()
            except NotAskedError as reason:
                notes.append(f"{test.capitalize()} was left out: {reason}.")
    if not found:
        raise InputError("no test could be run. " + " ".join(notes))
    adjusted = holm(np.array([test.pvalue for test in found.values()]))
    score, unread = (said.known for said in asked.sides)
    finder = KnownTexts(rate=rate).fit(score=unread)
    flagged = finder.group_rows(score=score) >= 0
    texts = [item.text for item in suspects]
    return Tables(_record(texts, found, adjusted, score, finder.pvalues_, flagged, notes, len(clean)))


def _chosen(tests: Sequence[str]) -> list[str]:
    for test in tests:
        if test not in TESTS:
            close = get_close_matches(test, TESTS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise InputError(f"there is no test {test!r}.{hint} There are: {', '.join(TESTS)}.")
    return list(tests)


def _dataset_inference(asked: Asked) -> Estimate:
    from holdfast.language import DatasetInference

    suspects, clean = (np.array(list(said.scores.values())) for said in asked.sides)
    return DatasetInference(seed=asked.seed).measure(ref_scores=clean, cur_scores=suspects)


def open_model(model: Any) -> LanguageModel:
    """The model, opened where it is a file or folder."""
    from holdfast.nets import LanguageModel, open_language_model

    if isinstance(model, LanguageModel):
        return model
    try:
        return open_language_model(model)
    except ValueError as problem:
        raise InputError(str(problem)) from None


def _listed(names: list[str]) -> str:
    """Which say so.

    >>> _listed(["order test"]), _listed(["order test", "rewording gap", "provenance"])
    ('order test says so', 'order test, rewording gap and provenance say so')
    """
    *before, last = names
    return f"{', '.join(before)} and {last} say so" if before else f"{last} says so"


def _record(
    texts: list[str], tests: dict[str, Estimate], adjusted: np.ndarray, score: np.ndarray, pvalues: np.ndarray,
    flagged: np.ndarray, notes: list[str], clean: int,
) -> dict[str, Any]:  # fmt: skip
    found = [name for name, p in zip(tests, adjusted, strict=True) if p < LEVEL]
    verdict = (
        f"The model has seen this benchmark: {_listed(found)} (p < {LEVEL} after Holm's correction)."
        if found
        else f"No test finds that the model has seen this benchmark (smallest adjusted p = {adjusted.min():.2g}). "
        "A benchmark that was read once or twice may not show."
    )
    by_test = [
        {"test": name, **test._asdict(), "adjusted": float(p)}
        for (name, test), p in zip(tests.items(), adjusted, strict=True)
    ]
    by_text = [
        {"text": text, "score": float(s), "pvalue": float(p), "flagged": bool(flag)}
        for text, s, p, flag in zip(texts, score, pvalues, flagged, strict=True)
    ]
    worst = [by_text[row] for row in np.lexsort([-score, pvalues, ~flagged])[:LISTED]]
    tables = [
        {
            "title": "Tests",
            "head": ["test", "estimate", "n", "p", "p adjusted"],
            "rows": [[row["test"], row, row["n"], row["pvalue"], row["adjusted"]] for row in by_test],
        },
        {
            "title": f"Texts that stand out ({int(flagged.sum())} of {len(texts)} flagged)",
            "head": ["text", "score", "p", "flagged"],
            "rows": [[row["text"], row["score"], row["pvalue"], "yes" if row["flagged"] else ""] for row in worst],
        },
    ]
    notes = [
        *notes,
        f"Judged against {clean} texts taken to be unseen: the verdict is as good as they are alike in kind.",
    ]
    return {
        "schema": "holdfast/contamination/1", "verdict": verdict, "tests": by_test, "texts": by_text, "tables": tables,
        "notes": notes,
    }  # fmt: skip
