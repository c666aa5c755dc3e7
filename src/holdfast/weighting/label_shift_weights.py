"""Weights for a class mix that moved."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Weigher
from holdfast.ops.label_shift import bbse_weights, em_weights, joint_confusion


class LabelShiftWeights(Weigher):
    r"""Every reference row weighs as much as its class grew, estimated without labels of the target.

    .. math:: w_i = \frac{\pi'_{y_i}}{\pi_{y_i}}, \qquad
              \text{em: } \pi'_k \leftarrow \frac{1}{m} \sum_j \frac{p_k(x_j) \, \pi'_k / \pi_k}
                          {\sum_l p_l(x_j) \, \pi'_l / \pi_l}, \qquad
              \text{bbse: } C w = \mu

    "em" (saerens2002adjusting) maximises the likelihood of the target rows under the model's probabilities; "bbse"
    (lipton2018detecting) solves for the mix that makes the model, with its confusion matrix C, predict what it now
    predicts. The growth of every class is in `class_weights_`; a class that the reference lacks has weight 0.

    Use it when classes became more or less frequent while each class looks as before, as after a change of season or
    of who is tested. "em" is the more accurate of the two where probabilities are calibrated; "bbse" needs no
    calibration, only honest reference predictions. It fails when the classes themselves changed: it then reads that
    change as a new mix.

    Half of the reference is positive, the model is right in 80 % and now says positive in 74 %, so 90 % are:

    >>> ref_y, ref_called = [0] * 5 + [1] * 5, [0] * 4 + [1] + [0] + [1] * 4
    >>> evidence = dict(ref_probs=np.eye(2)[ref_called], ref_y=ref_y, cur_probs=np.eye(2)[[0] * 13 + [1] * 37])
    >>> method = LabelShiftWeights(method="bbse")
    >>> method.weigh_rows(**evidence)[[0, -1]].round(2).tolist()
    [0.2, 1.8]

    "em" believes the probabilities, here those of a model that is always sure:

    >>> LabelShiftWeights(method="em").weigh_rows(**evidence)[[0, -1]].round(2).tolist()
    [0.52, 1.48]
    """

    source = "saerens2002adjusting"
    claims = ("label_shift",)

    method: Literal["bbse", "em"] = "bbse"

    def weigh_rows(self, ref_probs: np.ndarray, ref_y: np.ndarray, cur_probs: np.ndarray) -> np.ndarray:
        """(ref_n,) weight of every reference row's class, mean 1; by class in `class_weights_`."""
        share = np.bincount(ref_y, minlength=ref_probs.shape[1]) / len(ref_y)
        if self.method == "em":
            growth = em_weights(np.asarray(cur_probs, dtype=np.float64), share)
        else:
            probs = np.asarray(ref_probs, dtype=np.float64)
            confusion = joint_confusion(probs, ref_y, len(share))
            growth = bbse_weights(confusion, cur_probs.mean(axis=0, dtype=np.float64))
        self.class_weights_ = np.where(share > 0, growth, 0.0)
        weights = self.class_weights_[ref_y]
        return weights / weights.mean()
