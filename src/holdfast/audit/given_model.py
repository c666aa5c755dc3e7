"""Models given on the command line: skops and ONNX files, which cannot run code when they are read. Never pickles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from holdfast.audit.load import InputError

PICKLES = (".pkl", ".pickle", ".joblib", ".p", ".pt", ".pth")
TRUSTED = ("sklearn.", "numpy.", "scipy.", "builtins.", "collections.", "functools.")


def load_model(path: Path) -> Any:
    """A fitted estimator from a `.skops` or `.onnx` file; raises `InputError` with what to do otherwise."""
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise InputError(
            f"--model {path}: pickles are refused, because loading one runs its code. Save the model with skops."
        )
    if not path.is_file():
        raise InputError(f"--model {path}: there is no such file.")
    if suffix == ".skops":
        return _skops(path)
    if suffix == ".onnx":
        return OnnxModel(path)
    raise InputError(f"--model {path}: expected a .skops or .onnx file.")


def _skops(path: Path) -> Any:
    try:
        from skops.io import get_untrusted_types, load
    except ImportError:
        raise InputError("--model needs skops: pip install 'holdfast[models]'") from None
    try:
        doubtful = get_untrusted_types(file=path)
        refused = [name for name in doubtful if not name.startswith(TRUSTED)]
        model = None if refused else load(path, trusted=doubtful)
    except Exception as problem:
        raise InputError(f"--model {path}: not a skops file that can be read ({problem}).") from problem
    if refused:
        raise InputError(
            f"--model {path} holds types that are not scikit-learn's: {', '.join(refused[:5])}. They could run code."
        )
    return model


class OnnxModel:
    """An ONNX classifier or regressor behind scikit-learn's calls. It predicts; it cannot be fitted again.

    It is given the feature columns in file order, as float32. A classifier must return labels and probabilities,
    which is what the usual converters make.
    """

    def __init__(self, path: Path) -> None:
        try:
            from onnxruntime import InferenceSession
        except ImportError:
            raise InputError("--model needs onnxruntime: pip install 'holdfast[onnx]'") from None
        try:
            self._session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as problem:
            raise InputError(f"--model {path}: not an ONNX file that can be read ({problem}).") from problem
        if len(self._session.get_outputs()) > 1:
            self.predict_proba = self._probabilities

    @property
    def classes_(self) -> np.ndarray:
        """The class labels, from the names of the probabilities; else 0..k-1."""
        probabilities = self._run(np.zeros((1, self._width), np.float32))[1]
        if isinstance(probabilities, list):
            return np.array(list(probabilities[0]))
        return np.arange(np.asarray(probabilities).shape[1])

    def predict(self, X: Any) -> np.ndarray:
        """(n,) labels or numbers."""
        return np.asarray(self._run(X)[0]).ravel()

    def _probabilities(self, X: Any) -> np.ndarray:
        given = self._run(X)[1]
        return np.array([list(row.values()) for row in given]) if isinstance(given, list) else np.asarray(given)

    @property
    def _width(self) -> int:
        return int(self._session.get_inputs()[0].shape[-1])

    def _run(self, X: Any) -> list[Any]:
        return self._session.run(None, {self._session.get_inputs()[0].name: np.asarray(X, dtype=np.float32)})
