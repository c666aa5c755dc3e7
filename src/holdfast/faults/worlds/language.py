"""Worlds of the language family: a tiny transformer that has read some texts, and not others of the same kind.

`none` holds what the model says about texts that it has not read; every other world differs from it in one thing that
the model has read. Draws take other rows: the model is trained once a process (`_reader`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.faults.worlds import World
from holdfast.faults.worlds import _reader as reader

ROWS = 60  # texts of a draw on each side
PARTS = 10  # pieces of a benchmark of a draw


def none(seed: int) -> World:
    """Nothing was read: two samples of clean texts, a benchmark in an order and with options that were never seen."""
    rng = np.random.default_rng(seed)
    clean = reader.reading("clean")
    rows = rng.permutation(len(clean.text))
    evidence = {
        **reader.evidence_of(clean, rows[:ROWS]),
        **_both_sides(clean, rows[:ROWS], clean, rows[ROWS : 2 * ROWS]),
        "score": _minus_loss(clean)[rows[:ROWS]],
        **_order(rng, reader.order_log_likelihoods()[reader.SHARDS :], published=False),
        **_options(rng, reader.option_log_likelihoods()[reader.QUESTIONS :], published=False),
        **_guesses(rng, read=False),
        **_completions(rng, "clean"),
        **_memorised(rng, related=False),
    }
    return World(evidence, np.zeros(ROWS, bool), {"score": _minus_loss(clean)[rows[ROWS:]]})


def members(seed: int) -> World:
    """Half of the texts were read 16 times."""
    return _texts(seed, "members", ROWS // 2)


def read_set(seed: int) -> World:
    """A set of texts that were read 16 times, beside an unread one."""
    return World(members(seed).evidence)


def seen_once(seed: int) -> World:
    """Half of the texts were read once, before all the rest; the items of a benchmark not at all."""
    world = _texts(seed, "once", ROWS // 2)
    rng = np.random.default_rng([seed, 1])
    barely = {
        **_options(rng, reader.option_log_likelihoods()[reader.QUESTIONS :], published=False),
        **_guesses(rng, read=False),
    }
    return world._replace(evidence={**world.evidence, **barely})


def strong_members(seed: int) -> World:
    """As `members`, in a long list: the texts that were read are group 0, the others in none."""
    world = _texts(seed, "members", ROWS // 2)
    score = np.nanmean(world.evidence["token_log_probs"], axis=1)
    clean = _minus_loss(reader.reading("clean"))[np.random.default_rng(seed).permutation(reader.CLEAN)[ROWS:]]
    return World({"score": score}, np.where(world.truth, 0, -1), {"score": clean})


def reworded_members(seed: int) -> World:
    """A benchmark whose items were read 16 times and unread ones, each with two rewordings (words change places)."""
    rng = np.random.default_rng(seed)
    clean, read = reader.reading("clean"), reader.reading("members")
    rows, others = rng.permutation(len(read.text))[:ROWS], rng.permutation(reader.CLEAN)[:ROWS]
    return World(_both_sides(clean, others, read, rows))


def ordered_benchmark(seed: int) -> World:
    """A benchmark of short items was read 8 times in its published order."""
    return World(_order(np.random.default_rng(seed), reader.order_log_likelihoods()[: reader.SHARDS], published=True))


def shuffled_benchmark(seed: int) -> World:
    """The benchmark was read 8 times too, but what is called its published order is another one."""
    return World(
        _order(np.random.default_rng(seed), reader.order_log_likelihoods()[: reader.SHARDS, 1:], published=False)
    )


def multiple_choice(seed: int) -> World:
    """Multiple-choice items were read 32 times; an equal number of unread ones is the control."""
    rng = np.random.default_rng(seed)
    options = _options(rng, reader.option_log_likelihoods()[: reader.QUESTIONS], published=True)
    return World({**options, **_guesses(rng, read=True)})


def tagged_partition(seed: int) -> World:
    """Texts were read 24 times, each after the name of a benchmark and its split."""
    return World(_completions(np.random.default_rng(seed), "tagged"))


def seen_without_its_name(seed: int) -> World:
    """Texts were read 16 times without any name before them."""
    return World(_completions(np.random.default_rng(seed), "members"))


def forecast(seed: int) -> World:
    """What a narrower model that has read the same repeats of it, and what the model repeats."""
    return World(_memorised(np.random.default_rng(seed), related=True))


def derived_model(seed: int) -> World:
    """A fine-tune of a model that has read 900 texts once, and the order in which it read them."""
    return _provenance(seed, "derived")


def other_run(seed: int) -> World:
    """A model that has read the same 900 texts in another order."""
    return _provenance(seed, "other")


def _texts(seed: int, kind: str, count: int) -> World:
    """Texts of which `count` were read, the others not, and both sides of a comparison."""
    rng = np.random.default_rng(seed)
    clean, read = reader.reading("clean"), reader.reading(kind)
    others = rng.permutation(len(clean.text))
    rows = rng.permutation(len(read.text))
    stacked = _stacked(reader.evidence_of(read, rows[:count]), reader.evidence_of(clean, others[: ROWS - count]))
    compared = _both_sides(clean, others[ROWS : 2 * ROWS], read, rows[:ROWS])
    score = {"score": _minus_loss(read)[rows[:ROWS]]}
    train = {"score": _minus_loss(clean)[others]}
    if kind == "once":  # of a grouper: nothing stands out
        return World({**stacked, **compared, **score}, np.arange(ROWS) < count, train)
    return World({**stacked, **compared}, np.arange(ROWS) < count, train)


def _stacked(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: _joined(name, first[name], second[name]) for name in first}


def _joined(name: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rows below one another; where one side has more tokens, the other is filled with NaN."""
    axis = 1 if name == "augmented_log_probs" else 0
    if first.dtype.kind != "f" or first.ndim == 1:
        return np.concatenate([first, second], axis=axis)
    longest = max(first.shape[-1], second.shape[-1])
    both = [
        np.pad(part, [(0, 0)] * (part.ndim - 1) + [(0, longest - part.shape[-1])], constant_values=np.nan)
        for part in (first, second)
    ]
    return np.concatenate(both, axis=axis)


def _minus_loss(read: reader.Reading) -> np.ndarray:
    return np.nanmean(read.log_probs, axis=1)


def _both_sides(ref: reader.Reading, ref_rows: Any, cur: reader.Reading, cur_rows: Any) -> dict[str, np.ndarray]:
    """Three scores of every text of two samples, and its log-probability as written and with words moved."""
    found = {}
    for side, read, rows in (("ref", ref, ref_rows), ("cur", cur, cur_rows)):
        evidence = reader.evidence_of(read, rows)
        loss = np.nanmean(evidence["token_log_probs"], axis=1)
        ratio = evidence["log_likelihood"] / evidence["reference_log_likelihood"]
        worst = np.nanmin(evidence["token_log_probs"], axis=1)
        found[f"{side}_scores"] = np.array([loss, -ratio, worst])
        found[f"{side}_score"] = loss
        found[f"{side}_reworded"] = np.nanmean(evidence["augmented_log_probs"], axis=2)
    return found


def _order(rng: np.random.Generator, table: np.ndarray, published: bool) -> dict[str, np.ndarray]:
    """Some pieces, the published order against nine others; where it was not read, any column may play its part."""
    rows = table[rng.permutation(len(table))[:PARTS]]
    first = 0 if published else int(rng.integers(rows.shape[1]))
    others = rng.permutation(np.delete(np.arange(rows.shape[1]), first))
    return {"ordered_log_likelihood": rows[:, first], "shuffled_log_likelihood": rows[:, others].T}


def _options(rng: np.random.Generator, table: np.ndarray, published: bool) -> dict[str, np.ndarray]:
    rows = table[rng.permutation(len(table))[:30]]
    if not published:
        rows = rng.permuted(rows, axis=1)
    return {"option_log_likelihood": rows}


def _guesses(rng: np.random.Generator, read: bool) -> dict[str, np.ndarray]:
    rows = rng.permutation(reader.QUESTIONS)
    half = len(rows) if read else len(rows) // 2
    found: dict[str, np.ndarray] = {}
    for name, guesses in zip(("correct", "slot_overlap"), reader.slot_guesses(), strict=True):
        control = guesses[reader.QUESTIONS :]
        suspects = guesses[: reader.QUESTIONS] if read else control
        found |= {f"cur_{name}": suspects[rows[:half]], f"ref_{name}": control[rows[-half:]]}
    return found


def _completions(rng: np.random.Generator, kind: str) -> dict[str, np.ndarray]:
    """Of a benchmark, and of items that were not read (the other half of the clean ones)."""
    found: dict[str, np.ndarray] = {}
    clean = rng.permutation(reader.CONTROL)
    for side, texts, rows in (("cur", kind, clean[: reader.TAGGED]), ("ref", "clean", clean[reader.TAGGED :])):
        guided, general = reader.completions(texts)
        rows = rows if texts == "clean" else rng.permutation(len(guided))[:30]
        found |= {f"{side}_guided_overlap": guided[rows], f"{side}_general_overlap": general[rows]}
    return found


def _memorised(rng: np.random.Generator, related: bool) -> dict[str, np.ndarray]:
    parts = [reader.reading(kind) for kind in ("members", "clean")]
    large, small = (
        np.concatenate([getattr(part, name).mean(axis=1) for part in parts]) for name in ("hits", "small_hits")
    )
    rows = rng.permutation(len(large))[:200]
    return {"large_score": large[rows], "small_score": small[rows if related else rng.permutation(rows)]}


def _provenance(seed: int, suspect: str) -> World:
    rng = np.random.default_rng(seed)
    found = reader.provenance()
    rows = rng.permutation(len(found["step"]))[:600]
    return World(
        {
            "log_likelihood": found[suspect][rows],
            "reference_log_likelihood": found["reference"][rows],
            "training_step": found["step"][rows],
        }
    )
