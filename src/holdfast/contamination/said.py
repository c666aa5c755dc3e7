"""What a language model says of single texts: readings, readings with words moved, and the scores made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.ops.moved_words import move_words

if TYPE_CHECKING:
    from holdfast.nets import LanguageModel

REWORDED = 2  # copies of every text with words moved
WORDS = 4  # of a text that is cut in two or whose words are moved, at least
CONTINUED = 8  # tokens of a text that are asked for


@dataclass(frozen=True)
class Said:
    """What a model says of some texts."""

    reader: LanguageModel
    reference: LanguageModel | None
    texts: list[str]
    thorough: bool = True
    seed: int = 0

    @cached_property
    def read(self) -> Any:
        """Readings of every token."""
        return self.reader.read(self.texts)

    @cached_property
    def can_be_reworded(self) -> np.ndarray:
        """(n,) texts of enough words."""
        return np.array([len(text.split()) >= WORDS for text in self.texts])

    @cached_property
    def reworded(self) -> np.ndarray:
        """(copies, n, t) log-probabilities of the tokens of every text with words moved."""
        moved = [move_words(text, draw) for draw in range(REWORDED) for text in self.texts]
        return np.asarray(self.reader.read(moved).log_probs.reshape(REWORDED, len(self.texts), -1))

    @cached_property
    def known(self) -> np.ndarray:
        """(n,) Min-K%++, by which single texts are flagged."""
        from holdfast.language import MinKPlusPlus

        read = self.read
        return MinKPlusPlus().score_rows(
            token_log_probs=read.log_probs, token_means=read.means, token_spreads=read.spreads
        )

    @cached_property
    def scores(self) -> dict[str, np.ndarray]:
        """Every score of single texts that the models allow, larger = better known."""
        from holdfast import language

        read = self.read
        total = np.nansum(read.log_probs, axis=1)
        found = {
            "loss": language.MinKProb(share=1.0).score_rows(token_log_probs=read.log_probs),
            "Min-K%": language.MinKProb().score_rows(token_log_probs=read.log_probs),
            "Min-K%++": self.known,
            "zlib ratio": language.ZlibRatio().score_rows(
                text=np.array(self.texts, dtype=object), log_likelihood=total
            ),
            "n-gram accuracy": language.NGramAccuracy().score_rows(token_ranks=read.ranks),
        }
        if self.thorough:
            found["augment calibration"] = language.PolarizedAugmentCalibration().score_rows(
                token_log_probs=read.log_probs, augmented_log_probs=self.reworded
            )
            found["memorisation"] = language.MemorizationScore().score_rows(completion_hits=self._hits())
        if self.reference is not None:
            found["reference ratio"] = language.ReferenceRatio().score_rows(
                log_likelihood=total, reference_log_likelihood=self.reference.log_likelihood(self.texts)
            )
        return found

    def _hits(self) -> np.ndarray:
        """(n, tokens) whether the model goes on as the text does, from its middle on."""
        codes = [self.reader.encode(text) for text in self.texts]
        tokens = min(CONTINUED, self.reader.context // 2)
        places = [max(1, min(len(one) - tokens, len(one) // 2)) for one in codes]
        said = self.reader.continued([one[:place] for one, place in zip(codes, places, strict=True)], tokens)
        truth = [(one + [-1] * tokens)[place : place + tokens] for one, place in zip(codes, places, strict=True)]
        return np.array(said) == np.array(truth)
