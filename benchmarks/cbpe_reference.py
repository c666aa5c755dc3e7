"""Write tests/parity/cbpe_reference.json: small inputs with NannyML's confidence-based estimates, for tests without it.

    python benchmarks/cbpe_reference.py

Run it where the peer is installed; it does not install beside today's stack. On Python 3.11:
pip install nannyml==0.13.1 statsmodels "numpy<2.3" "pandas<2.3" "scipy<1.14" "scikit-learn<1.6" "category_encoders<2.7"
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # NannyML reports every call otherwise

import numpy as np

TARGET = Path(__file__).parents[1] / "tests" / "parity" / "cbpe_reference.json"
METRICS = {"accuracy": "accuracy", "auroc": "roc_auc", "f1": "f1"}


def main() -> None:
    try:
        import nannyml
    except ImportError as problem:
        raise SystemExit(f"the peer is missing ({problem}): see the first lines of this file") from None
    cases = [reference(*draw(n, k, sharpness, seed)) for n, k, sharpness, seed in CASES]
    names = ("numpy", "scikit-learn", "pandas")
    versions = {"nannyml": nannyml.__version__, **{name: version(name) for name in names}}
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps({"versions": versions, "cases": cases}) + "\n")


CASES = ((120, 2, 1.0, 0), (200, 2, 2.5, 1), (150, 3, 2.0, 2), (200, 5, 0.5, 3))  # rows, classes, overconfidence, seed


def draw(n: int, k: int, sharpness: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reference and current probabilities of a model with logits `sharpness` times too large; current is harder."""
    rng = np.random.default_rng(seed)
    y = rng.integers(k, size=2 * n)
    skill = np.r_[np.full(n, 2.0), np.full(n, 1.2)][:, None]
    logits = sharpness * (skill * np.eye(k)[y] + rng.normal(size=(2 * n, k)))
    raw = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs = np.round(raw / raw.sum(axis=1, keepdims=True), 4)
    probs[:, 0] = np.round(1 - probs[:, 1:].sum(axis=1), 4)
    return probs[:n], y[:n], probs[n:]


def reference(ref_probs: np.ndarray, ref_y: np.ndarray, cur_probs: np.ndarray) -> dict[str, object]:
    import nannyml

    k = ref_probs.shape[1]
    columns = "p1" if k == 2 else {c: f"p{c}" for c in range(k)}
    kind = "classification_binary" if k == 2 else "classification_multiclass"
    estimator = nannyml.CBPE(
        y_pred="predicted",
        y_pred_proba=columns,
        y_true="y",
        problem_type=kind,
        metrics=list(METRICS.values()),
        chunk_number=1,
    )
    estimator.fit(_frame(ref_probs, ref_y))
    table = estimator.estimate(_frame(cur_probs)).filter(period="analysis").to_df()
    estimates = {ours: float(table[(theirs, "value")].iloc[0]) for ours, theirs in METRICS.items()}
    arrays = {"ref_probs": ref_probs.tolist(), "ref_y": ref_y.tolist(), "cur_probs": cur_probs.tolist()}
    return {**arrays, "estimates": estimates}


def _frame(probs: np.ndarray, y: np.ndarray | None = None) -> object:
    import pandas

    columns = {f"p{c}": probs[:, c] for c in range(probs.shape[1])} | {"predicted": probs.argmax(axis=1)}
    return pandas.DataFrame(columns if y is None else columns | {"y": y})


if __name__ == "__main__":
    main()
