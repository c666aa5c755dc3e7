"""Dataset inference."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.means import welch


class DatasetInference(Measure):
    r"""Was this set of texts trained on? Many weak scores of many texts, joined and tested against unseen texts.

    Half of both sets teaches a linear rule that tells suspects from unseen texts by their scores (ranks to [0, 1], so
    that outliers weigh no more than others; ridge `penalty`); the other half is tested, one-sided, by Welch's t:

    .. math:: t = \frac{\bar f(\text{suspect}) - \bar f(\text{unseen})}{\sqrt{s_1^2 / n_1 + s_0^2 / n_0}}

    The value is the difference in standard deviations. Use it when a verdict on a data set is wanted, rather than on
    one text: scores that are hardly better than chance for one text are ample for hundreds. It fails where the unseen
    texts are not of the suspects' own distribution (another year, another author): any difference then counts as
    having been seen.

    Scores of 8 suspects, all above those of 8 unseen texts:

    >>> found = DatasetInference(penalty=0.1, seed=3).measure(
    ...     ref_scores=[[1.0, 2, 3, 4, 5, 6, 7, 8]], cur_scores=[[11.0, 12, 13, 14, 15, 16, 17, 18]])
    >>> found.value > 1, found.pvalue < 0.01, found.n
    (True, True, 8)
    """

    source = "maini2024llm"
    claims = ("read_set",)
    blind = ("seen_once",)

    penalty: float = 1.0
    seed: int = 0

    def measure(self, ref_scores: np.ndarray, cur_scores: np.ndarray) -> Estimate:
        """`ref_scores` (m, ref_n) of texts that the model cannot know, `cur_scores` (m, cur_n) of the suspects."""
        if min(ref_scores.shape[1], cur_scores.shape[1]) < 4:
            raise ValueError("ref_scores and cur_scores need four texts each: half learn the rule, half test it.")
        rng = np.random.default_rng(self.seed)
        (ref_learn, ref_test), (cur_learn, cur_test) = (
            np.array_split(rng.permutation(part.shape[1]), 2) for part in (ref_scores, cur_scores)
        )
        learnt = np.concatenate([ref_scores[:, ref_learn], cur_scores[:, cur_learn]], axis=1)
        cuts = np.sort(learnt, axis=1)

        def ranked(scores: np.ndarray) -> np.ndarray:
            pairs = zip(cuts, scores, strict=True)
            ends = [np.searchsorted(c, s, "left") + np.searchsorted(c, s, "right") for c, s in pairs]
            return np.array(ends).T / (2 * cuts.shape[1]) - 0.5

        features, side = ranked(learnt), np.r_[np.zeros(len(ref_learn)), np.ones(len(cur_learn))] - 0.5
        side = side - side.mean()
        centred = features - features.mean(axis=0)
        weights = np.linalg.solve(centred.T @ centred + self.penalty * np.eye(len(cuts)), centred.T @ side)
        return welch(ranked(ref_scores[:, ref_test]) @ weights, ranked(cur_scores[:, cur_test]) @ weights)
