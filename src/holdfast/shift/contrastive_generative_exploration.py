"""Contrastive generative exploration: what is new in a corpus."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ops.byte_grams import ByteGrams

END = 10  # the byte that ends a line
AGAIN = 20.0  # how often what was generated is read by the model of the known, so that it is not new any more


class ContrastiveGenerativeExploration(Scorer):
    r"""Texts that a model of new data likes and a model of known data does not; and texts made up to show what is new.

    .. math:: s(x) = \frac1{|x|} \sum_t \log \frac{p_\text{tuned}(x_t \mid x_{<t})}{p_\text{base}(x_t \mid x_{<t})},
              \qquad x_t = \arg\max_{v \in V_t} \log \frac{p_\text{tuned}(v)}{p_\text{base}(v)}, \quad
              V_t = \{v : p_\text{tuned}(v) \ge \alpha \max_u p_\text{tuned}(u)\}

    The base model has read `ref_text`, the tuned one `cur_text` too. `generate(count)` decodes lines by the rule above,
    with `plausibility` :math:`\alpha`; after each the base model reads it, so that the next shows something else.

    Use it to see what a new crawl, a fine-tuning set or a month of logs holds that the old data did not. It fails where
    new is only how often something stands there, and byte n-grams know no meaning: a rephrased topic is new to them.

    >>> known, new = ["abab abab abab"] * 20, ["abab abab abab"] * 10 + ["xyz xyz xyz xyz"] * 4
    >>> method = ContrastiveGenerativeExploration(order=3, plausibility=0.05).fit(ref_text=known, cur_text=new)
    >>> high, low = method.score_rows(text=["xyz xyz", "abab abab"])
    >>> bool(high > low), "xyz" in method.generate(1, length=12)[0]
    (True, True)
    """

    source = "isonuma2024whats"
    claims = ("novel_texts",)
    silent = ("plausibility",)  # of what is generated
    order: int = 6
    plausibility: float = 0.1

    def fit(self, ref_text: np.ndarray, cur_text: np.ndarray) -> ContrastiveGenerativeExploration:
        """Read what is known and what may hold something new."""
        self.base_ = ByteGrams(order=self.order).learn(ref_text)
        self.tuned_ = ByteGrams(order=self.order).learn(ref_text).learn(cur_text)
        return self

    def score_rows(self, text: np.ndarray) -> np.ndarray:
        """(n,) how much likelier a byte of every text is to the model that has read the current texts."""
        return self.tuned_.log_probs(text) - self.base_.log_probs(text)

    def generate(self, count: int, length: int = 80) -> list[str]:
        """Lines that show what is new, each something that those before it did not show."""
        base = ByteGrams(order=self.order)
        base.grams, base.contexts = self.base_.grams.copy(), self.base_.contexts.copy()
        found = []
        for _ in range(count):
            line = self._line(base, length)
            base.learn([line], weight=AGAIN)
            found.append(line)
        return found

    def _line(self, base: ByteGrams, length: int) -> str:
        line = b""
        while len(line) < length:
            tuned = self.tuned_.next_probs(line)
            ratio = np.log(tuned / base.next_probs(line))
            ratio[tuned < self.plausibility * tuned.max()] = -np.inf
            if int(ratio.argmax()) == END and line:
                break
            line += bytes([int(ratio.argmax())])
        return line.decode("utf-8", "replace").strip()
