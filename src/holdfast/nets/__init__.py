"""The torch foundation: one training loop, what happens inside a network, and arithmetic on its weights.

Needs the extra `torch` (`pip install 'holdfast[torch]'`). Nothing here is imported before it is asked for.

>>> from holdfast import nets
>>> run = nets.fit(model, CrossEntropy(), nets.Batches(X, y), epochs=5)      # doctest: +SKIP
>>> nets.extract(run.model, nets.Batches(X), layers=["head:input"])          # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.nets.batches import Batches as Batches
    from holdfast.nets.calling import forward as forward
    from holdfast.nets.causal import CausalTransformer as CausalTransformer
    from holdfast.nets.causal import NextToken as NextToken
    from holdfast.nets.features import extract as extract
    from holdfast.nets.features import layer_names as layer_names
    from holdfast.nets.features import predict as predict
    from holdfast.nets.gradients import gradient_products as gradient_products
    from holdfast.nets.gradients import per_example_gradients as per_example_gradients
    from holdfast.nets.language_model import LanguageModel as LanguageModel
    from holdfast.nets.language_model import TokenReadings as TokenReadings
    from holdfast.nets.language_model import open_language_model as open_language_model
    from holdfast.nets.language_model import train_language_model as train_language_model
    from holdfast.nets.states import combine as combine
    from holdfast.nets.states import open_state as open_state
    from holdfast.nets.tokens import BytePairs as BytePairs
    from holdfast.nets.training import Run as Run
    from holdfast.nets.training import fit as fit
    from holdfast.nets.training_log import TrainingLog as TrainingLog

_HOME = {
    "Batches": "batches", "forward": "calling", "extract": "features", "layer_names": "features", "predict": "features",
    "per_example_gradients": "gradients", "gradient_products": "gradients", "combine": "states",
    "open_state": "states", "Run": "training", "fit": "training", "TrainingLog": "training_log",
    "BytePairs": "tokens", "CausalTransformer": "causal", "NextToken": "causal", "LanguageModel": "language_model",
    "TokenReadings": "language_model", "open_language_model": "language_model",
    "train_language_model": "language_model",
}  # fmt: skip
__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"holdfast.nets has no {name!r}. It has: {', '.join(sorted(_HOME))}.")
    try:
        return getattr(import_module(f"holdfast.nets.{_HOME[name]}"), name)
    except ModuleNotFoundError as problem:
        if problem.name not in ("torch", "safetensors"):
            raise
        raise ModuleNotFoundError(
            f"holdfast.nets.{name} needs {problem.name}: pip install 'holdfast[torch]'", name=problem.name
        ) from None


def __dir__() -> list[str]:
    return sorted(_HOME)
