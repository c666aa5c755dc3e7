"""The verb `contamination`: has a language model seen these texts, in this order?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.audit.load.errors import InputError
from holdfast.contamination.texts import read_texts
from holdfast.core import Estimate
from holdfast.ops.multiple_testing import holm
from holdfast.report.tables import Tables

if TYPE_CHECKING:
    from holdfast.nets import LanguageModel

LEVEL = 0.05
LISTED = 20


def contamination(
    model: LanguageModel | str | os.PathLike[str],
    benchmark: Sequence[str] | str | os.PathLike[str],
    unseen: Sequence[str] | str | os.PathLike[str],
    *,
    reference: LanguageModel | str | os.PathLike[str] | None = None,
    field: str = "text",
    ordered: bool = True,
    piece: int = 5,
    orders: int = 20,
    rate: float = 0.1,
    seed: int = 0,
) -> Tables:
    """Test whether a language model has seen a benchmark: as a set, in its order, and text by text.

    Parameters
    ----------
    model, reference
        A `LanguageModel`, a file that one was saved to, or the folder of a Hugging Face model. The reference is a
        model that cannot have seen the benchmark; it makes the verdict on the set sharper.
    benchmark, unseen
        Texts, or a file of them (.jsonl and .csv with `field`, else a text a line). `unseen` are texts of the same kind
        that the model cannot know, written after it was trained: the verdict is as good as they are alike.
    ordered
        The order of the benchmark means nothing, so that the order test applies; false where items are sorted.
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
    from holdfast.language import DatasetInference, KnownTexts

    suspects = read_texts(benchmark, "benchmark", field)
    clean = read_texts(unseen, "unseen", field)
    if shared := set(suspects) & set(clean):
        raise InputError(f"unseen holds {len(shared)} of the benchmark's own texts: they cannot be texts it never saw.")
    if min(len(suspects), len(clean)) < 8:
        raise InputError(f"{len(suspects)} and {len(clean)} texts; expected at least 8 on each side.")
    reader, other = _opened(model), None if reference is None else _opened(reference)
    scores, clean_scores = (_scores(reader, other, texts) for texts in (suspects, clean))
    names = list(scores)
    tests = {
        "dataset inference": DatasetInference(seed=seed).measure(
            ref_scores=np.array([clean_scores[name] for name in names]),
            cur_scores=np.array([scores[name] for name in names]),
        )
    }
    notes = []
    if ordered and len(suspects) >= 2 * piece:
        tests["order test"] = _order(reader, suspects, piece, orders, seed)
    elif ordered:
        notes.append(f"The order test was left out: fewer than {2 * piece} texts.")
    adjusted = holm(np.array([test.pvalue for test in tests.values()]))
    finder = KnownTexts(rate=rate).fit(score=clean_scores["Min-K%++"])
    flagged = finder.group_rows(score=scores["Min-K%++"]) >= 0
    return Tables(_record(suspects, tests, adjusted, scores["Min-K%++"], finder.pvalues_, flagged, notes, len(clean)))


def _opened(model: Any) -> LanguageModel:
    from holdfast.nets import LanguageModel, open_language_model

    if isinstance(model, LanguageModel):
        return model
    try:
        return open_language_model(model)
    except ValueError as problem:
        raise InputError(str(problem)) from None


def _scores(model: LanguageModel, reference: LanguageModel | None, texts: list[str]) -> dict[str, np.ndarray]:
    """Every score of single texts that the models allow, larger = better known."""
    from holdfast import language

    read = model.read(texts)
    total = np.nansum(read.log_probs, axis=1)
    found = {
        "loss": language.MinKProb(share=1.0).score_rows(token_log_probs=read.log_probs),
        "Min-K%": language.MinKProb().score_rows(token_log_probs=read.log_probs),
        "Min-K%++": language.MinKPlusPlus().score_rows(
            token_log_probs=read.log_probs, token_means=read.means, token_spreads=read.spreads
        ),
        "zlib ratio": language.ZlibRatio().score_rows(text=np.array(texts, dtype=object), log_likelihood=total),
        "n-gram accuracy": language.NGramAccuracy().score_rows(token_ranks=read.ranks),
    }
    if reference is not None:
        found["reference ratio"] = language.ReferenceRatio().score_rows(
            log_likelihood=total, reference_log_likelihood=reference.log_likelihood(texts)
        )
    return found


def _order(model: LanguageModel, texts: list[str], piece: int, orders: int, seed: int) -> Estimate:
    from holdfast.language import OrderTest

    rng = np.random.default_rng(seed)
    pieces = [texts[first : first + piece] for first in range(0, len(texts) - piece + 1, piece)]
    rows = [["\n".join(one), *("\n".join(rng.permutation(one)) for _ in range(orders))] for one in pieces]
    likely = model.log_likelihood([text for row in rows for text in row]).reshape(len(rows), -1)
    return OrderTest().measure(ordered_log_likelihood=likely[:, 0], shuffled_log_likelihood=likely[:, 1:].T)


def _record(
    texts: list[str], tests: dict[str, Estimate], adjusted: np.ndarray, score: np.ndarray, pvalues: np.ndarray,
    flagged: np.ndarray, notes: list[str], clean: int,
) -> dict[str, Any]:  # fmt: skip
    found = [name for name, p in zip(tests, adjusted, strict=True) if p < LEVEL]
    verdict = (
        f"The model has seen this benchmark: {' and '.join(found)} say so (p < {LEVEL} after Holm's correction)."
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
