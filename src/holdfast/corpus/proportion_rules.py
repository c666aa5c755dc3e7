"""Rules that name proportions without any run: as they are, alike, by temperature, UniMax, planned repeats, the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np

from holdfast.corpus.proxy_training import Phase
from holdfast.corpus.records import Fields, read_pieces
from holdfast.corpus.sources import cut, find_sources, wrong

TITLES = {
    "natural": "as they are", "even": "all alike", "temperature": "temperature 5, then as they are",
    "unimax": "UniMax, 4 passes at most", "repeats": "planned repeats", "end": "wanted groups at the end",
    "aioli": "Aioli", "found": "best of the runs",
}  # fmt: skip
BYTES = 4  # of text that a token is taken for where files are counted
WANTED = 0.5  # share of the wanted groups at the end of training; halfway from theirs to all where they have it already
UNIT = 10**12
FINAL = 0.15  # of the training, in which they have it


@dataclass(frozen=True)
class Amounts:
    """What there is of every group, how much is trained on, which groups are wanted, what a token of each is worth."""

    names: list[str]
    sizes: np.ndarray
    budget: float
    wanted: np.ndarray
    quality: np.ndarray

    @property
    def natural(self) -> np.ndarray:
        """The shares of the groups."""
        return self.sizes / self.sizes.sum()

    def repeats(self, shares: np.ndarray) -> np.ndarray:
        """How often every group is seen where the whole training has these shares."""
        return self.budget * shares / self.sizes


class Rule(NamedTuple):
    """The phases of a training by one rule; none where proportions are found on the way."""

    name: str
    phases: list[Phase]

    @property
    def overall(self) -> np.ndarray:
        """The shares of the groups over the whole training."""
        return np.sum([phase.part * phase.shares for phase in self.phases], axis=0)


def amounts(
    sizes: Mapping[str, float], budget: float | None, wanted: Sequence[str], quality: Mapping[str, float] | None
) -> Amounts:  # fmt: skip
    """What was given, checked; a budget of all there is where none was."""
    names = list(sizes)
    if len(names) < 2:
        raise wrong(f"sizes of {len(names)} groups; expected at least 2 to mix.")
    given = np.array([float(sizes[name]) for name in names])
    if not np.isfinite(given).all() or given.min() <= 0:
        raise wrong(f"the size of {names[int(np.argmin(np.nan_to_num(given, nan=-1.0)))]}: expected above 0.")
    if budget is not None and not (np.isfinite(budget) and budget > 0):
        raise wrong(f"a budget of {budget:g} tokens; expected above 0.")
    for what, some in (("wanted", wanted), ("quality", quality or {})):
        for name in some:
            known_group(name, names, what)
    mask = np.array([name in wanted for name in names])
    if len(wanted) and mask.all():
        raise wrong("wanted names all groups: nothing is left to take their share from.")
    worth = np.array([float((quality or {}).get(name, 1.0)) for name in names])
    if not np.isfinite(worth).all() or worth.min() < 0 or worth.max() <= 0:
        raise wrong("quality: expected what a token is worth beside 1, at least 0, and above 0 for one group.")
    return Amounts(names, given, float(given.sum()) if budget is None else float(budget), mask, worth)


def known_group(name: str, names: Sequence[str], what: str, kind: str = "group") -> None:
    """An error where nothing of the kind is called so."""
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names)}."
        raise wrong(f"{what}: no {kind} is called {name!r}. {hint}")


def rules_of(given: Amounts) -> dict[str, Rule]:
    """Every rule that these amounts leave room for: repeats want a quality, the end wants wanted groups."""
    from holdfast.mixing import RepeatPlanning
    from holdfast.weighting import TemperatureMix, UniMax

    natural = given.natural
    sizes = given.sizes * (UNIT / given.budget)  # a budget of so many whole tokens, whatever the unit
    start, end = (TemperatureMix(progress=progress) for progress in (0.0, 1.0))
    found = {
        "natural": [Phase(1.0, natural)],
        "even": [Phase(1.0, np.full(len(natural), 1 / len(natural)))],
        "temperature": [
            Phase(start.switch, start.mix_groups(sizes=given.sizes)),
            Phase(1 - start.switch, end.mix_groups(sizes=given.sizes)),
        ],
        "unimax": [Phase(1.0, UniMax().mix_groups(sizes=sizes, budget=UNIT))],
    }
    if np.ptp(given.quality) > 0:
        planned = RepeatPlanning().mix_groups(sizes=sizes, budget=UNIT, quality=given.quality)
        found["repeats"] = [Phase(1.0, planned)]
    if given.wanted.any():
        found["end"] = _end(given)
    return {name: Rule(name, phases) for name, phases in found.items()}


def _end(given: Amounts) -> list[Phase]:
    from holdfast.mixing import EndUpsampling

    now = float(given.natural[given.wanted].sum())
    mixer = EndUpsampling(share=WANTED if now < WANTED else (1 + now) / 2, final=FINAL)
    mixer.mix_groups(sizes=given.sizes, is_wanted=given.wanted)
    before, after = mixer.schedule_
    return [Phase(mixer.switch_at_, before), Phase(1 - mixer.switch_at_, after)]


def count_tokens(given: Any, text: str = "text") -> float:
    """How many tokens the texts of files are, at four bytes each; read in pieces, whatever their size."""
    sources = find_sources(given)
    shards, _, piece = cut(sources)
    found = 0
    for shard in shards:
        for part in read_pieces(sources[shard.source], shard, piece, Fields(text)):
            found += sum(len(one.encode()) for one in part.texts)
    if not found:
        raise wrong(f"{given}: no text was found in the field {text!r}.")
    return found / BYTES
