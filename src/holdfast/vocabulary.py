"""Every argument name of every method: its shape, its kind, its meaning; and the checks, once, with their messages.

Sizes are letters that must agree within one call: `n` rows, `d` features, `k` classes, `q` neighbours, `m` models or
runs. Two samples are always `ref_...` (what was learnt from) and `cur_...` (what is met now): `ref_X` has `ref_n`
rows and the same `d` columns as `cur_X`. Arrays are taken as they are (dtype kept, no copy where none is needed).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])
BLOCK = 1 << 16  # numbers looked at together: they stay in the cache, and the memory of a check in the low megabytes


class Argument(NamedTuple):
    """Shape (letters), kind (which check) and meaning of one argument name."""

    dims: tuple[str, ...]
    kind: str
    meaning: str


ARGUMENTS: dict[str, Argument] = {
    "X": Argument(("n", "d"), "real", "features or embeddings, one row per example, finite"),
    "x": Argument(("n",), "real", "one numeric column, finite"),
    "y": Argument(("n",), "codes", "class codes 0..k-1 as given in the data"),
    "corrected_y": Argument(("n",), "codes", "class codes 0..k-1 after wrong labels were corrected"),
    "predicted": Argument(("n",), "codes", "class codes 0..k-1 as predicted by the model"),
    "probs": Argument(("n", "k"), "simplex", "out-of-sample class probabilities, rows sum to 1"),
    "ensemble_probs": Argument(("m", "n", "k"), "simplex", "class probabilities of m models on the same rows"),
    "logits": Argument(("n", "k"), "real", "unnormalised class scores"),
    "epoch_logits": Argument(("t", "n", "k"), "real", "logits of every row in each of t epochs of training, in order"),
    "epoch_losses": Argument(("t", "n"), "real", "loss of every row after each of t epochs of training, in order"),
    "inputs": Argument((), "any", "what a network is called on: a tensor, a tuple or a mapping of tensors"),
    "row": Argument((), "any", "the row numbers of a batch"),
    "_": Argument((), "any", "whatever else a batch holds"),
    "loader": Argument((), "any", "what is iterated once an epoch: `nets.Batches` or a torch `DataLoader`"),
    "gradients": Argument(
        ("n", "p"), "real", "gradient of the loss of every row in the weights, or a projection of it"
    ),
    "epoch_gradients": Argument(
        ("t", "n", "d"), "real", "gradient of the label's logit in the inputs of every row, at t checkpoints"
    ),
    "ensemble_products": Argument(("m", "n", "n"), "real", "inner products of the gradients of rows in m networks"),
    "ensemble_cross_products": Argument(
        ("m", "n", "cur_n"), "real", "inner products of the gradients of rows with those of other rows in m networks"
    ),
    "ensemble_gradients": Argument(("m", "n", "p"), "real", "gradients of every row in m networks or checkpoints"),
    "gradient_norms": Argument(("m", "n"), "positive", "norm of the gradient of every row in m networks"),
    "effects": Argument(("m",), "real", "effect of one training row on one test row in m trained networks"),
    "weak_logits": Argument((), "any", "logits of a weak, frozen model on the rows of a batch"),
    "unlabelled": Argument((), "any", "inputs of rows without labels, as the network takes them"),
    "outliers": Argument((), "any", "rows of a batch that are of no known class"),
    "images": Argument(("n", "p", "h", "w"), "real", "images as a network takes them: planes, height, width"),
    "target": Argument(("n",), "real", "numeric response"),
    "prediction": Argument(("n",), "real", "numeric prediction of the response, out of sample"),
    "abstention": Argument(("n",), "share", "probability of the answer 'I do not know'"),
    "is_category": Argument(("d",), "mask", "true for the columns that hold category codes"),
    "treated": Argument(("n",), "mask", "true where the row comes from the treatment arm"),
    "bounds": Argument(("n", "e"), "bounds", "predicted low and high quantile of the response, low first"),
    "ensemble_prediction": Argument(("m", "n"), "real", "numeric predictions of m models on the same rows"),
    "fold": Argument(("n",), "codes", "the fold of every row, 0..m-1: model `fold` has not seen the row"),
    "uncertainty": Argument(("n",), "positive", "predicted standard deviation or absolute error of the response"),
    "residual_scale": Argument(("n",), "positive", "predicted absolute residual: how noisy the response is here"),
    "category": Argument(("n",), "codes", "one categorical column as integer codes"),
    "group": Argument(("n",), "codes", "the group or entity of every row as integer codes"),
    "weight": Argument(("n",), "positive", "non-negative row weights"),
    "loss": Argument(("n",), "real", "the model's loss on every row"),
    "score": Argument(("n",), "real", "one score per row, larger = more of the fault"),
    "scores": Argument(("m", "n"), "real", "scores of m detectors on the same rows, larger = more of the fault"),
    "is_bad": Argument(("n",), "mask", "true where the row has the fault"),
    "old_predicted": Argument(("n",), "codes", "class codes as predicted by the model that is replaced"),
    "new_predicted": Argument(("n",), "codes", "class codes as predicted by the model that replaces it"),
    "path_loss": Argument(("t", "n"), "real", "loss of every row at t points between two networks, in order"),
    "models": Argument((), "any", "torch modules, state dicts or paths of .safetensors, of one architecture"),
    "fishers": Argument((), "any", "Fisher diagonals by parameter name, one for every model"),
    "fisher": Argument((), "any", "a Fisher diagonal by parameter name"),
    "units": Argument((), "any", "for every hidden layer the (tensor name, axis) pairs that carry its units"),
    "out": Argument((), "any", "the file to write, or None for a result in memory"),
    "reference": Argument((), "any", "the model that another is brought close to"),
    "evaluate": Argument((), "any", "a function of a model that returns its score on held-out rows, larger = better"),
    "correct": Argument(("n",), "mask", "true where the model is right"),
    "correct_runs": Argument(("m", "n"), "mask", "true where run m is right on row n"),
    "neighbours": Argument(("n", "q"), "indices", "row numbers of the q nearest other rows, nearest first"),
    "distances": Argument(("n", "q"), "positive", "distances to `neighbours`"),
    "sizes": Argument(("m",), "positive", "training set sizes"),
    "errors": Argument(("m",), "positive", "test errors at `sizes`"),
    "pilot_sizes": Argument(("s",), "positive", "training set sizes of a pilot, the same for every group"),
    "group_errors": Argument(("m", "s"), "positive", "test errors of m groups at the s pilot sizes"),
    "costs": Argument(("m",), "positive", "what one more row of every group costs, in any unit"),
    "curves": Argument(("c", "m"), "positive", "test errors of c known learners at the same m sizes"),
    "losses": Argument(("m",), "positive", "test losses, one per run"),
    "parameters": Argument(("m",), "positive", "parameters of the model of every run"),
    "tokens": Argument(("m",), "positive", "training examples or tokens of every run"),
    "diversity": Argument(
        ("m",), "real", "how diverse the training text of every run is, such as its compression ratio"
    ),
    "syntheticity": Argument(("m",), "real", "how machine-made it is, such as its perplexity under a teacher"),
    "steps": Argument(("m",), "positive", "optimizer steps of every run up to where its loss was read"),
    "batch_sizes": Argument(("m",), "positive", "training examples or tokens a step of every run"),
    "compute": Argument(("m",), "positive", "training compute of every run, in any unit"),
    "accuracies": Argument(("m",), "share", "test accuracies, one per model"),
    "id_accuracies": Argument(("m", "s"), "share", "accuracies of m models on s in-distribution test sets"),
    "baseline": Argument(("m",), "mask", "true for the models that the line is fitted on"),
    "pass_rates": Argument(("m", "n"), "share", "how often model m solves item n, smallest model first"),
    "competitor": Argument(("n",), "codes", "the model that every measurement is of, as integer codes"),
    "item": Argument(("n",), "codes", "the test item that every measurement is on, as integer codes"),
    "class_weights": Argument(("k", "d"), "real", "one weight vector per class of a linear classifier"),
    "class_bias": Argument(("k",), "real", "one constant per class of a linear classifier"),
    "proportions": Argument(("r", "m"), "mixture", "shares of m groups in each of r runs, rows sum to 1"),
    "run_losses": Argument(("r",), "real", "the loss that each run ended with"),
    "run_group_losses": Argument(("r", "v"), "real", "the loss of each run on v validation domains"),
    "loss_drops": Argument(("r", "m"), "real", "by how much the loss of every group fell in each short round"),
    "is_wanted": Argument(("m",), "mask", "true for the groups that are to take a larger share"),
    "quality": Argument(("m",), "positive", "what one token of every group is worth, in any unit"),
    "perplexity": Argument(("n",), "positive", "perplexity of every text under a small language model"),
    "text": Argument(("n",), "text", "one text per row"),
    "token_log_probs": Argument(
        ("n", "t"), "log_probs", "log-probability of every token of n texts, NaN after the end"
    ),
    "token_means": Argument(
        ("n", "t"),
        "log_probs",
        "mean log-probability of a token drawn from the model at every place, NaN after the end",
    ),
    "token_spreads": Argument(
        ("n", "t"), "spreads", "standard deviation of the log-probability of a token drawn from the model, NaN after"
    ),
    "token_ranks": Argument(("n", "t"), "spreads", "how many tokens the model held more likely, NaN after the end"),
    "augmented_log_probs": Argument(
        ("m", "n", "u"), "log_probs", "log-probabilities of the tokens of m disturbed copies of every text, NaN after"
    ),
    "log_likelihood": Argument(("n",), "real", "log-probability of every whole text or example under the model"),
    "reference_log_likelihood": Argument(("n",), "real", "the same under a model that has not seen the texts"),
    "ordered_log_likelihood": Argument(
        ("p",), "real", "log-probability of p pieces of a benchmark with their items in the published order"
    ),
    "shuffled_log_likelihood": Argument(
        ("r", "p"), "real", "log-probability of the same pieces with their items in r random orders"
    ),
    "option_log_likelihood": Argument(
        ("n", "o"), "real", "log-probability of every item with its options in o orders, the published one first"
    ),
    "guided_overlap": Argument(("n",), "share", "overlap of continuation and truth when the benchmark is named"),
    "slot_overlap": Argument(("n",), "share", "overlap of what a model fills in and the option hidden there"),
    "general_overlap": Argument(("n",), "share", "overlap of continuation and truth when it is not named"),
    "completion_hits": Argument(("n", "t"), "mask", "true where a greedy continuation has the true token"),
    "small_score": Argument(("n",), "share", "memorisation of every text by a small or early model"),
    "large_score": Argument(("n",), "share", "memorisation of every text by the model that was forecast"),
    "reworded": Argument(("m", "n"), "real", "what `score` becomes for m rewordings of every item"),
    "training_step": Argument(("n",), "positive", "when in training every example was seen last"),
    "release_date": Argument(("n",), "real", "when every item was published, as a number"),
    "covariates": Argument(("n", "d"), "real", "what else an outcome may depend on, a column each, finite"),
    "popularity": Argument(("n",), "positive", "how often every item stands on the web"),
    "benchmark_log_likelihood": Argument(("m",), "real", "log-probability of a benchmark per character, one per model"),
    "model": Argument((), "any", "a scikit-learn compatible estimator"),
    "columns": Argument((), "any", "one name per feature, in order"),
    "duration": Argument(("n",), "positive", "time until the event or until the row was last seen without it"),
    "event": Argument(("n",), "mask", "true where the event was seen, false where the row is censored"),
    "histogram": Argument(("n", "b"), "simplex", "one distribution per row over the same b bins, rows sum to 1"),
    "adjacency": Argument(("b", "b"), "positive", "how strongly two bins are joined, symmetric, 0 where they are not"),
    "budget": Argument((), "count", "how many rows may be chosen"),
    "table": Argument((), "any", "a dict of equally long columns by name"),
    "tables": Argument((), "any", "a `Tables`: train, test or None, target, task and the kind of every feature"),
    "strength": Argument((), "strength", "how strong the planted fault is, in the fault's own unit"),
    "rng": Argument((), "any", "a numpy random Generator"),
}


class NotFittedError(ValueError):
    """A method was asked before it was fitted."""


def argument(name: str) -> Argument | None:
    """The entry of a name; `ref_X` and `cur_X` are entries of `X` with sizes of their own."""
    for prefix in ("ref_", "cur_"):
        base = ARGUMENTS.get(name.removeprefix(prefix))
        if name.startswith(prefix) and base is not None:
            dims = tuple(prefix + dim if dim == "n" else dim for dim in base.dims)
            return base._replace(dims=dims)
    return ARGUMENTS.get(name)


def guarded(verb: F) -> F:
    """Wrap a method's verb so that its arguments are checked and arrays arrive as numpy arrays.

    What `fit` saw is remembered: a later call with another number of features or classes is an error.
    """
    signature = inspect.signature(verb)
    is_fit = verb.__name__ == "fit"

    @functools.wraps(verb)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        who = type(self).__name__
        if not is_fit:
            _ask_fitted(self, verb)
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError as problem:
            raise TypeError(f"{who}.{verb.__name__}(): {problem}. It takes: {_takes(signature)}.") from None
        sizes: dict[str, tuple[int, str]] = {}
        if not is_fit:
            sizes = {dim: (size, "what it was fitted on") for dim, size in getattr(self, "fitted_sizes_", {}).items()}
        for name, value in bound.arguments.items():
            entry = argument(name)
            if name != "self" and entry is not None and value is not None:
                bound.arguments[name] = check(name, value, entry, sizes)
        if is_fit:
            self.fitted_sizes_ = {dim: size for dim, (size, _) in sizes.items() if dim in ("d", "k")}
        return verb(*bound.args, **bound.kwargs)

    return checked  # type: ignore[return-value]


def fitted_first(verb: F) -> F:
    """Wrap a verb on tensors: nothing is checked but that `fit` came first, where there is a `fit`."""

    @functools.wraps(verb)
    def asked(self: Any, *args: Any, **kwargs: Any) -> Any:
        _ask_fitted(self, verb)
        return verb(self, *args, **kwargs)

    return asked  # type: ignore[return-value]


def _ask_fitted(method: Any, verb: Callable[..., Any]) -> None:
    if "fit" in type(method).__dict__ and not any(name.endswith("_") for name in vars(method)):
        raise NotFittedError(f"{type(method).__name__} is not fitted yet: call .fit(...) before .{verb.__name__}(...).")


def check(name: str, value: Any, entry: Argument, sizes: dict[str, tuple[int, str]]) -> Any:
    """Check one argument; returns it as an array. `sizes` collects the letters seen so far: {letter: (size, who)}."""
    if entry.kind == "any":
        return value
    if entry.kind == "count":
        return _check_count(name, value)
    if entry.kind == "strength":
        return _check_strength(name, value)
    if entry.kind in ("log_probs", "spreads"):
        value = _padded(value)
    array = _texts(name, value) if entry.kind == "text" else _to_array(name, value, entry)
    if array.ndim != len(entry.dims):
        raise ValueError(
            f"{name} has {array.ndim} dimension(s), shape {array.shape}; expected {len(entry.dims)}: "
            f"({', '.join(entry.dims)}), {entry.meaning}."
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}; expected {entry.meaning}.")
    for dim, size in zip(entry.dims, array.shape, strict=True):
        known, who = sizes.setdefault(dim, (size, name))
        if known != size:
            raise ValueError(f"{name} has {size} {_LETTERS.get(dim[-1], dim)}, but {who} has {known}: they must agree.")
    array = _CHECKS[entry.kind](name, array)
    if entry.kind == "codes" and name.removeprefix("ref_").removeprefix("cur_") in ("y", "predicted") and "k" in sizes:
        _check_code_range(name, array, *sizes["k"])
    return array


_LETTERS = {
    "n": "rows",
    "d": "features",
    "k": "classes",
    "q": "neighbours",
    "m": "models or runs",
    "s": "test sets",
    "c": "curves",
    "b": "bins",
    "t": "tokens or epochs",
    "p": "pieces",
    "r": "orders or runs",
}


def _takes(signature: inspect.Signature) -> str:
    return ", ".join(name for name in signature.parameters if name != "self") or "nothing"


def _to_array(name: str, value: Any, entry: Argument) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is ragged: its rows differ in length; expected {entry.meaning}.") from None
    if array.dtype.kind in "OUSmM":
        hint = " Encode it: numpy.unique(values, return_inverse=True)[1]." if entry.kind == "codes" else ""
        raise ValueError(f"{name} has dtype {array.dtype}; expected numbers: {entry.meaning}.{hint}")
    if array.dtype.kind == "c":
        raise ValueError(f"{name} is complex; expected real numbers: {entry.meaning}.")
    return array


def _texts(name: str, value: Any) -> np.ndarray:
    if isinstance(value, str):
        raise ValueError(f"{name} is one string; expected one text per row. Put it into a list.")
    texts = np.empty(len(value), dtype=object)
    texts[:] = list(value)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{name} row {row} is {text!r}; expected a text. Drop or fill missing texts first.")
    return texts


def _padded(value: Any) -> Any:
    """Rows of unequal length as one array, NaN after the end of each."""
    if isinstance(value, np.ndarray) or not all(isinstance(row, (list, tuple, np.ndarray)) for row in value):
        return value
    if any(np.ndim(row) != 1 for row in value) or len({len(row) for row in value}) < 2:
        return value
    padded = np.full((len(value), max(map(len, value))), np.nan)
    for row, tokens in enumerate(value):
        padded[row, : len(tokens)] = tokens
    return padded


def _blocks(array: np.ndarray) -> Any:
    """(first row, block) pairs over the first axis, each about `BLOCK` numbers."""
    step = max(1, BLOCK // max(1, array[0].size))
    for start in range(0, len(array), step):
        yield start, array[start : start + step]


def _as_float(array: np.ndarray) -> np.ndarray:
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _real(name: str, array: np.ndarray) -> np.ndarray:
    array = _as_float(array)
    for start, block in _blocks(array):
        with np.errstate(invalid="ignore", over="ignore"):
            fine = np.isfinite(block.sum(dtype=np.float64))
        if not fine and not np.isfinite(block).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(block))[0])
            raise ValueError(
                f"{name} row {start + where[0]} holds {block[where]}; expected finite numbers. "
                "Impute or drop missing and infinite values first."
            )
    return array


def _positive(name: str, array: np.ndarray) -> np.ndarray:
    array = _real(name, array)
    for start, block in _blocks(array):
        if block.min() < 0:
            where = int(np.argwhere(block < 0)[0][0])
            raise ValueError(f"{name} row {start + where} is negative ({block.min():g} in this block); expected >= 0.")
    return array


def _ragged(name: str, array: np.ndarray) -> np.ndarray:
    array = _as_float(array)
    missing = np.isnan(array)
    early = missing & ~np.logical_and.accumulate(missing[..., ::-1], axis=-1)[..., ::-1]
    early[..., 0] |= missing[..., 0]
    if early.any() or np.isinf(array).any():
        where = np.argwhere(early | np.isinf(array))[0]
        raise ValueError(
            f"{name} row {where[-2]} holds {array[tuple(where)]} at token {where[-1]}; expected finite numbers, NaN "
            "only after a text's end. Did the model return NaN?"
        )
    return array


def _log_probs(name: str, array: np.ndarray) -> np.ndarray:
    array = _ragged(name, array)
    if np.nanmax(array) > 1e-4:
        where = np.argwhere(array > 1e-4)[0]
        raise ValueError(
            f"{name} row {where[-2]} holds {array[tuple(where)]:.4g} at token {where[-1]}; expected log-probabilities, "
            "at most 0. Were these losses or probabilities?"
        )
    return array


def _spreads(name: str, array: np.ndarray) -> np.ndarray:
    array = _ragged(name, array)
    if np.nanmin(array) < 0:
        where = np.argwhere(array < 0)[0]
        raise ValueError(f"{name} row {where[-2]} is negative ({array[tuple(where)]:.4g}); expected >= 0.")
    return array


def _share(name: str, array: np.ndarray) -> np.ndarray:
    array = _positive(name, array)
    if array.max() > 1:
        where = int(np.argwhere(array > 1)[0][0])
        raise ValueError(
            f"{name} row {where} holds {array[where].max():g}; expected shares between 0 and 1. Are these percent? "
            "Divide by 100 first."
        )
    return array


def _simplex(name: str, array: np.ndarray) -> np.ndarray:
    array = _as_float(array)
    flat = array.reshape(-1, array.shape[-1])
    ones = np.ones(array.shape[-1], dtype=array.dtype)
    tolerance = 1e-2 if array.dtype == np.float32 else 1e-3
    for start, block in _blocks(flat):
        totals = block @ ones
        good = np.abs(totals - 1) <= tolerance
        if good.all() and block.min() >= -1e-6:
            continue
        _explain_simplex(name, start, block, totals, good)
    return array


def _explain_simplex(name: str, start: int, block: np.ndarray, totals: np.ndarray, good: np.ndarray) -> None:
    lowest = block.min(axis=1)
    row = int(np.flatnonzero(~good | ~(lowest >= -1e-6))[0])
    where = f"{name} row {start + row}"
    if not np.isfinite(block[row]).all():
        raise ValueError(f"{where} holds NaN or infinity; expected probabilities. Did the model diverge on this row?")
    if lowest[row] < -1e-6 or block[row].max() > 1 + 1e-6:
        raise ValueError(
            f"{where} sums to {totals[row]:.4g} with entries from {lowest[row]:.4g} to {block[row].max():.4g}; "
            "expected "
            "probabilities in [0, 1] that sum to 1. Were these logits? Apply a softmax first."
        )
    raise ValueError(
        f"{where} sums to {totals[row]:.4g}; expected probabilities that sum to 1. Is a class column missing?"
    )


def _mixture(name: str, array: np.ndarray) -> np.ndarray:
    """Shares as tables hold them, rounded: what is off by up to 2 % is scaled."""
    array = _positive(name, array)
    totals = array.sum(axis=1, dtype=np.float64)
    if np.abs(totals - 1).max() > 0.02:
        row = int(np.abs(totals - 1).argmax())
        raise ValueError(
            f"{name} row {row} sums to {totals[row]:.4g}; expected shares that sum to 1. Are these percent?"
        )
    return array / totals[:, None]


def _codes(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "b":
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        _real(name, array)
        if not (array == np.round(array)).all():
            row = int(np.flatnonzero(array != np.round(array))[0])
            raise ValueError(
                f"{name} row {row} is {array[row]:g}; expected integer codes 0..k-1. Is it a numeric target?"
            )
        array = array.astype(np.int64)
    if array.min() < 0:
        row = int(np.flatnonzero(array < 0)[0])
        raise ValueError(
            f"{name} row {row} is {array[row]}; expected codes 0..k-1. Is -1 a missing label? Drop it first."
        )
    return array


def _check_code_range(name: str, array: np.ndarray, classes: int, who: str) -> None:
    if array.max() >= classes:
        row = int(np.flatnonzero(array >= classes)[0])
        raise ValueError(
            f"{name} row {row} is class {array[row]}, but {who} has {classes} classes (0..{classes - 1}). "
            "Do the label codes follow the order of the probability columns?"
        )


def _mask(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind != "b" and not np.isin(array, (0, 1)).all():
        row = int(np.argwhere(~np.isin(array, (0, 1)))[0][0])
        raise ValueError(f"{name} row {row} is {array[row]}; expected true or false (1 or 0).")
    return array.astype(bool)


def _indices(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {array.dtype}; expected integer row numbers.")
    if array.min() < 0:
        raise ValueError(f"{name} row {int(np.argwhere(array < 0)[0][0])} is negative; expected row numbers >= 0.")
    return array


def _check_count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least 1.")
    return int(value)


def _bounds(name: str, array: np.ndarray) -> np.ndarray:
    array = _real(name, array)
    if array.shape[1] != 2:
        raise ValueError(f"{name} has {array.shape[1]} columns; expected 2: a low and a high quantile a row.")
    if (array[:, 0] > array[:, 1]).any():
        row = int(np.argmax(array[:, 0] > array[:, 1]))
        raise ValueError(f"{name} row {row} has a low end of {array[row, 0]:g} above its high end {array[row, 1]:g}.")
    return array


def _check_strength(name: str, value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, np.integer, np.floating))
        or not 0 <= value < np.inf
    ):
        raise ValueError(f"{name} is {value!r}; expected a finite number of at least 0. 0 plants nothing.")
    return float(value)


_CHECKS: dict[str, Callable[[str, np.ndarray], np.ndarray]] = {
    "real": _real,
    "positive": _positive,
    "share": _share,
    "simplex": _simplex,
    "codes": _codes,
    "mask": _mask,
    "indices": _indices,
    "bounds": _bounds,
    "mixture": _mixture,
    "text": lambda name, array: array,
    "log_probs": _log_probs,
    "spreads": _spreads,
}
