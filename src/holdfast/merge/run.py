"""`holdfast.merge`: a method of the merging family on models in any form, checked against the models it came from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any

from holdfast import merging
from holdfast.core import Editor
from holdfast.lazy import methods


@dataclass(frozen=True)
class Merge:
    """A merged model and, where it was judged, how it did.

    `model` has the form of the first model given. With `evaluate`, `score` is that of the merged model, `parents` those
    of the models given, and `refused` says why the best parent was returned instead.
    """

    model: Any
    method: Editor
    score: float | None = None
    parents: tuple[float, ...] = ()
    refused: str = ""


def merge(
    models: Sequence[Any],
    *,
    method: str | Editor = "UniformSoup",
    base: Any = None,
    out: str | os.PathLike[str] | None = None,
    fishers: Sequence[Any] | None = None,
    evaluate: Callable[[Any], float] | None = None,
    batches: Iterable[Any] | None = None,
    workers: int = 1,
    **settings: Any,
) -> Merge:
    """Merge networks of one architecture, and do not hand out a merged model that is worse than its best parent.

    Parameters
    ----------
    models
        Torch modules, state dicts, or paths of `.safetensors` files or folders of shards.
    method
        A method of `holdfast.merging` or its name; `settings` are its settings.
    base
        What the models were fine-tuned from, for methods of task vectors.
    out
        A file (a folder where the first model has shards): the result is streamed to it, a piece of a tensor in memory
        where the method works entry by entry, else one tensor.
    fishers
        Fisher diagonals, one for the base and one for each model, for methods that weigh by them.
    evaluate
        A function of a model that returns its score on held-out rows, larger = better. With it the merged model is
        compared with every model given, and the best parent is returned if none is beaten. Not with `out`.
    batches
        Batches of `inputs` on which normalisation statistics are measured again (modules with BatchNorm only).
    workers
        Threads that merge tensors side by side into `out`; the bytes are the same for any number.

    Returns
    -------
    Merge

    Raises
    ------
    ValueError
        For an unknown method or setting, models that are no twins, files that are not whole.

    Examples
    --------
    >>> import torch
    >>> one, two = {"w": torch.tensor([1.0])}, {"w": torch.tensor([2.0])}
    >>> merge([one, two]).model["w"].item()
    1.5
    >>> made = merge([one, two], evaluate=lambda state: -state["w"].item())
    >>> made.model["w"].item(), made.refused
    (1.0, 'the merged model scores -1.5, its best parent -1: that parent is returned')
    """
    chosen = find_method(method, settings)
    if evaluate is not None and out is not None:
        raise ValueError("a merge into a file cannot be evaluated on the way: merge in memory, or evaluate the file.")
    from holdfast.nets.states import merging_in

    with merging_in(workers):
        made = chosen.edit(**_arguments(chosen, list(models), base, fishers, evaluate, out))  # type: ignore[attr-defined]
    if batches is not None:
        from holdfast.nets.norms import measured_again

        made = measured_again(made, batches)
    if evaluate is None:
        return Merge(made, chosen)
    return _judged(made, chosen, [*models] if base is None else [base, *models], evaluate)


def find_method(method: str | Editor, settings: dict[str, Any]) -> Editor:
    """The method of a name with these settings; one that was made already takes no more."""
    if isinstance(method, Editor):
        return method.set_params(**settings)
    if method not in dir(merging):
        known = [name.removeprefix("merging.") for name, cls in methods("merging").items() if cls.role == "editor"]
        close = get_close_matches(method, known, n=1, cutoff=0.4)
        hint = f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(known)}."
        raise ValueError(f"no merging method {method!r}.{hint}")
    found = getattr(merging, method)  # alone: the others need torch
    if found.role != "editor":
        raise ValueError(f"{method} measures models and does not merge them.")
    return found().set_params(**settings)


def _arguments(method: Editor, models: list[Any], base: Any, fishers: Any, evaluate: Any, out: Any) -> dict[str, Any]:
    """What the method's `edit` takes, out of what was given; what is needed and missing is said."""
    name = type(method).__name__
    takes = signature(type(method).edit).parameters  # type: ignore[attr-defined]
    if "models" not in takes:
        raise ValueError(f"{name} brings one model close to another: call holdfast.merging.{name}().edit(...).")
    if out is not None and "out" not in takes:
        raise ValueError(f"{name} has to hold whole models to try them: leave `out` out and save the result.")
    given: dict[str, Any] = {"models": models if base is None else [base, *models]}
    for part, value in (("fishers", fishers), ("evaluate", evaluate)):
        if part in takes and value is None:
            raise ValueError(f"{name} needs `{part}`.")
        if part in takes:
            given[part] = value
    return given | ({"out": Path(out)} if out is not None else {})


def _judged(made: Any, method: Editor, parents: list[Any], evaluate: Callable[[Any], float]) -> Merge:
    scores = tuple(float(evaluate(parent)) for parent in parents)
    score, best = float(evaluate(made)), max(scores)
    if score >= best:
        return Merge(made, method, score, scores)
    said = f"the merged model scores {score:.4g}, its best parent {best:.4g}: that parent is returned"
    return Merge(parents[scores.index(best)], method, score, scores, said)
