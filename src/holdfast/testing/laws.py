"""The laws that every method of a role obeys. A law's name is its error message.

`check_method(cls)` runs them all on one method, also on a third party's: give it the worlds to live in. The laws of
interface run in any world; the laws of substance run in the worlds that the method claims and in those where it says
it is blind.
"""

from __future__ import annotations

import pickle
import re
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from inspect import Parameter, getdoc, signature
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from holdfast.core import Estimate, Method
from holdfast.faults.worlds import World
from holdfast.vocabulary import ARGUMENTS, NotFittedError, argument

Worlds = Mapping[str, Callable[[int], World]]
Law = Callable[[type[Method], Worlds], None]

SEEDS = range(3)  # draws of a world for verdicts about ranking
DRAWS = 60  # draws for verdicts about error rates
FOUND = 0.70  # least mean AUROC (rows) or adjusted Rand index x 1.4 (groups) in a claimed world
BLIND = 0.65  # most mean AUROC in a world where the method says it is blind


def laws_of(cls: type[Method]) -> dict[str, Law]:
    """The laws of a method's role, by name."""
    laws = [*_COMMON, *_BY_ROLE.get(cls.role, ())]
    return {law.__name__.strip("_"): law for law in laws}


def check_method(cls: type[Method], worlds: Worlds) -> None:
    """Run every law of the role; raises `AssertionError` with the name of the first law broken."""
    for name, law in laws_of(cls).items():
        try:
            law(cls, worlds)
        except AssertionError as broken:
            raise AssertionError(f"{cls.__name__} breaks the law {name!r}: {broken}") from None


# --- running a method in a world ------------------------------------------------------------------------------
def run(method: Method, world: World) -> Any:
    """Fit (where there is something to fit) and call the verb with what the world holds."""
    if "fit" in type(method).__dict__:
        method.fit(**_chosen(type(method).fit, {**world.evidence, **world.train}))  # type: ignore[attr-defined]
    return call(method, world.evidence)


def call(method: Method, evidence: Mapping[str, Any]) -> Any:
    """Call the verb with the arguments that it names."""
    verb = getattr(type(method), method.verbs[0])
    return verb(method, **_chosen(verb, evidence))


def _chosen(verb: Callable[..., Any], evidence: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {}
    for name, parameter in list(signature(verb).parameters.items())[1:]:
        if name in evidence:
            chosen[name] = evidence[name]
        elif parameter.default is Parameter.empty:
            raise AssertionError(f"no world of the family offers the argument {name!r}")
    return chosen


def _home(cls: type[Method], worlds: Worlds) -> list[str]:
    """The worlds whose evidence the method can take: what it claims first, then the rest."""
    names = [*cls.claims, *cls.blind, *worlds]
    fitting = []
    for name in dict.fromkeys(names):
        try:
            _takes(cls, worlds[name](0))
            fitting.append(name)
        except AssertionError:
            continue
    assert fitting, "no world of the family offers the arguments of this method"
    return fitting


def _takes(cls: type[Method], world: World) -> None:
    if "fit" in cls.__dict__:
        _chosen(cls.fit, {**world.evidence, **world.train})  # type: ignore[attr-defined]
    _chosen(getattr(cls, cls.verbs[0]), world.evidence)


def _first(cls: type[Method], worlds: Worlds, seed: int = 0) -> World:
    return worlds[_home(cls, worlds)[0]](seed)


def _numbers(result: Any) -> np.ndarray:
    """A result as one flat array of numbers, so that results of every role can be compared."""
    if isinstance(result, Estimate):
        return np.array([np.nan if part is None else part for part in result], dtype=float)
    if isinstance(result, Mapping):
        return np.concatenate([_numbers(value) for value in result.values()])
    if isinstance(result, (tuple, list)):
        return np.concatenate([_numbers(value) for value in result])
    return np.asarray(result, dtype=float).ravel()


def _same(left: Any, right: Any, tolerance: float = 0.0) -> bool:
    a, b = _numbers(left), _numbers(right)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


def _rows(world: World) -> int:
    for name, value in world.evidence.items():
        entry = argument(name)
        if entry is not None and entry.dims[:1] == ("n",):
            return len(value)
    return 0


def _per_row(evidence: Mapping[str, Any], take: Callable[[np.ndarray, int], np.ndarray]) -> dict[str, Any]:
    """Apply `take(array, axis)` to every argument that has rows (`n`, of one sample or of either of two)."""
    changed = dict(evidence)
    for name, value in evidence.items():
        entry = argument(name)
        if entry is None or value is None:
            continue
        for axis, dim in enumerate(entry.dims):
            if dim in ("n", "ref_n", "cur_n"):
                changed[name] = take(np.asarray(value), axis)
    return changed


# --- laws of every method -------------------------------------------------------------------------------------
def clones_and_pickles(cls: type[Method], worlds: Worlds) -> None:
    """`get_params`, `set_params`, scikit-learn's `clone` and pickle keep the settings and the results."""
    from sklearn.base import clone

    method = cls()
    assert clone(method).get_params() == method.get_params(), "clone changes the settings"
    world = _first(cls, worlds)
    result = run(method, world)
    assert _same(result, call(pickle.loads(pickle.dumps(method)), world.evidence)), "pickling changes the result"
    try:
        method.set_params(no_such_setting=1)
    except ValueError:
        return
    raise AssertionError("set_params accepts an unknown setting")


def same_seed_same_bits(cls: type[Method], worlds: Worlds) -> None:
    """Two runs agree to the bit and leave numpy's global generator alone."""
    world = _first(cls, worlds)
    before = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002 - it is watched, not used
    assert _same(run(cls(), world), run(cls(), world)), "two runs differ"
    after = np.random.get_state()[1]  # type: ignore[index]  # noqa: NPY002
    assert (before == after).all(), "the global generator was used"


def inputs_left_alone(cls: type[Method], worlds: Worlds) -> None:
    """Read-only arrays are enough: nothing given in is written to."""
    world = _first(cls, worlds)

    def locked(values: Mapping[str, Any]) -> dict[str, Any]:
        held = {}
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value = value.copy()
                value.flags.writeable = False
            held[name] = value
        return held

    try:
        run(cls(), World(locked(world.evidence), world.truth, locked(world.train)))
    except ValueError as problem:
        raise AssertionError(f"an argument is written to ({problem})") from None


def every_setting_changes_something(cls: type[Method], worlds: Worlds) -> None:
    """Every setting that is not declared `silent` changes the result in some world."""
    hints = get_type_hints(cls)
    silent = getattr(cls, "silent", ())
    homes = [worlds[name](0) for name in _home(cls, worlds)]
    for name, default in cls.settings().items():
        if name in silent:
            continue
        others = _other_values(hints[name], default)
        assert others, f"setting {name!r} of type {hints[name]} has no alternative that the law can try"
        changed = any(not _same(run(cls(), home), _tried(cls, {name: v}, home)) for v in others for home in homes)
        assert changed, f"setting {name!r} changes nothing (tried {others})"


def _tried(cls: type[Method], settings: dict[str, Any], world: World) -> Any:
    try:
        return run(cls(**settings), world)
    except ValueError:  # refusing a value is a change too
        return np.array([np.nan])


def _other_values(hint: Any, default: Any) -> list[Any]:
    if get_origin(hint) is Literal:
        return [value for value in get_args(hint) if value != default]
    options = [hint, *get_args(hint)]
    if isinstance(default, bool):
        return [not default]
    if isinstance(default, int) or (default is None and int in options):
        base = 3 if default is None else int(default)
        return [base + 1, max(1, base // 2), base * 3 + 2]
    if isinstance(default, float) or (default is None and float in options):
        size = 0.37 if default is None else float(default)
        return [size * 0.5 + 0.01, size * 1.7, size * 0.05]
    if isinstance(default, tuple) and default:
        return [default[:1], default[1:], default[::-1]]
    return []


def asks_to_be_fitted(cls: type[Method], worlds: Worlds) -> None:
    """A method with a `fit` says so when its verb is called first."""
    if "fit" not in cls.__dict__:
        return
    try:
        call(cls(), _first(cls, worlds).evidence)
    except NotFittedError as problem:
        assert cls.__name__ in str(problem), "the message does not name the method"
        return
    raise AssertionError("the verb runs unfitted")


def extremes_stay_finite(cls: type[Method], worlds: Worlds) -> None:
    """Logits x 1e4, probabilities of exactly 0 and 1, a constant column, large values: finite, or one clear error."""
    for name in _home(cls, worlds)[:2]:
        world = worlds[name](0)
        for change in (_harden, _constant_column, partial(_scaled, by=1e6), partial(_scaled, by=1e-6)):
            _finite_or_clear(cls, World(change(world.evidence), world.truth, change(world.train)), change)


def few_rows_are_finite_or_refused(cls: type[Method], worlds: Worlds) -> None:
    """One row and one class: a finite answer, or a `ValueError` from us."""
    world = _first(cls, worlds)
    one = partial(_per_row, take=lambda array, axis: np.take(array, [0], axis=axis))
    _finite_or_clear(cls, World(one(world.evidence), None, world.train), one)
    _finite_or_clear(cls, World(_one_class(world.evidence), None, _one_class(world.train)), _one_class)


def _finite_or_clear(cls: type[Method], world: World, change: Any) -> None:
    label = getattr(change, "__name__", getattr(getattr(change, "func", None), "__name__", str(change)))
    with np.errstate(all="ignore"):
        try:
            result = run(cls(), world)
        except ValueError as problem:
            assert len(str(problem)) > 20, f"after {label} the error says too little: {problem!r}"
            return
    numbers = _numbers(result[:4] if isinstance(result, Estimate) else result)
    assert np.isfinite(numbers).all(), f"after {label} the result is not finite"


def _changed(evidence: Mapping[str, Any], kind: str, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    entries = {name: argument(name) for name in evidence}
    return {
        name: change(np.asarray(value)) if value is not None and entry is not None and entry.kind == kind else value
        for (name, value), entry in zip(evidence.items(), entries.values(), strict=True)
    }


def _harden(evidence: Mapping[str, Any]) -> dict[str, Any]:
    def one_hot(probs: np.ndarray) -> np.ndarray:
        return (probs == probs.max(axis=-1, keepdims=True)).astype(probs.dtype)

    hard = _changed(evidence, "simplex", lambda probs: one_hot(probs) / one_hot(probs).sum(axis=-1, keepdims=True))
    return {name: np.asarray(value) * 1e4 if name.endswith("logits") else value for name, value in hard.items()}


def _constant_column(evidence: Mapping[str, Any]) -> dict[str, Any]:
    def flatten(array: np.ndarray) -> np.ndarray:
        array = np.array(array)
        array[..., 0] = 1.0
        return array

    return {name: flatten(np.asarray(v)) if name.endswith("X") else v for name, v in evidence.items()}


def _scaled(evidence: Mapping[str, Any], by: float) -> dict[str, Any]:
    return {
        name: np.asarray(v) * by if name.endswith(("X", "_x")) or name == "x" else v for name, v in evidence.items()
    }


def _one_class(evidence: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.zeros_like(v) if name.endswith("y") else v for name, v in evidence.items()}


def both_float_widths(cls: type[Method], worlds: Worlds) -> None:
    """float32 in gives what float64 gives, to about three digits; ranks for scores."""
    world = _first(cls, worlds)

    def narrow(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            n: v.astype(np.float32) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
            for n, v in values.items()
        }

    wide = _numbers(run(cls(), world))
    thin = _numbers(run(cls(), World(narrow(world.evidence), world.truth, narrow(world.train))))
    assert wide.shape == thin.shape, "shapes differ between float32 and float64"
    scale = float(np.nanstd(wide)) or float(np.nanmax(np.abs(wide))) or 1.0
    worst = float(np.nanmedian(np.abs(wide - thin)) / scale)
    assert worst < 0.02, f"the median difference is {worst:.3g} of the spread"


def memory_grows_as_declared(cls: type[Method], worlds: Worlds) -> None:
    """Four times the rows take at most about four times the memory (declared "linear")."""
    if cls.memory != "linear":
        return
    world = _first(cls, worlds)
    peaks = [_peak(cls, world, copies) for copies in (4, 16)]
    floor = 1 << 20  # below a megabyte constants dominate
    ratio = peaks[1] / max(peaks[0], floor)
    assert ratio < 4 * 1.7, f"4x the rows took {ratio:.1f}x the memory ({peaks[0]} -> {peaks[1]} bytes)"


def _peak(cls: type[Method], world: World, copies: int) -> int:
    """Peak bytes of a run on `copies` of the rows, slightly jittered so that no two rows are equal."""
    rng = np.random.default_rng(0)

    def repeat(array: np.ndarray, axis: int) -> np.ndarray:
        return np.concatenate([array] * copies, axis=axis)

    def grown(values: Mapping[str, Any]) -> dict[str, Any]:
        larger = _per_row(values, repeat)
        return {n: v + rng.normal(0, 1e-3, v.shape) * v.std() if n.endswith("X") else v for n, v in larger.items()}

    big = World(grown(world.evidence), world.truth, grown(world.train))
    run(cls(), world)  # imports and caches are not the method's growth
    tracemalloc.start()
    try:
        run(cls(), big)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bad_input_gives_one_clear_error(cls: type[Method], worlds: Worlds) -> None:
    """Empty, NaN, wrong length, logits for probabilities: one `ValueError` that names the argument."""
    world = _first(cls, worlds)
    method = cls()
    if "fit" in cls.__dict__:
        run(method, world)
    names = list(_chosen(getattr(cls, cls.verbs[0]), world.evidence))
    for name in names:
        for label, value in _spoiled(name, world.evidence[name]):
            try:
                call(method, {**world.evidence, name: value})
            except ValueError as problem:
                assert re.search(r"\b(" + "|".join(names) + r")\b", str(problem)), f"{label} {name}: {problem}"
                continue
            raise AssertionError(f"{label} {name} is accepted")


def _spoiled(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    entry = argument(name)
    if entry is None or not entry.dims:
        return
    array = np.asarray(value)
    yield "empty", array[:0]
    yield "text", np.full(array.shape, "a")
    if entry.kind in ("real", "simplex", "positive"):
        spoiled = array.astype(float, order="C")  # so that the flat view below is no copy
        spoiled.reshape(-1)[0] = np.nan
        yield "NaN in", spoiled
    if entry.kind == "simplex":
        yield "logits for", array * 9 - 4
    if entry.kind == "codes":
        yield "negative", array - array.max() - 1


def docstring_is_complete(cls: type[Method], worlds: Worlds) -> None:  # noqa: ARG001
    """Says when to use it and when it fails; its example sets every setting that matters to a non-default value."""
    text = getdoc(cls) or ""
    assert text and cls.__doc__ is not None, "no docstring"
    assert re.search(r"\b[Uu]se it\b", text), "the docstring does not say 'Use it when ...'"
    assert re.search(r"\bfails\b", text), "the docstring does not say when it fails"
    assert ">>>" in text, "the docstring has no example"
    for name in cls.settings():
        if name not in getattr(cls, "silent", ()):
            assert re.search(rf"\b{name}=", text), f"no example sets {name!r}"


def arguments_are_in_the_vocabulary(cls: type[Method], worlds: Worlds) -> None:  # noqa: ARG001
    """Every argument of a verb is defined in `holdfast.vocabulary`."""
    for verb in ("fit", *cls.verbs):
        if verb in cls.__dict__:
            for name in list(signature(cls.__dict__[verb]).parameters)[1:]:
                assert argument(name) is not None, f"{verb}({name}) is not in the vocabulary: {', '.join(ARGUMENTS)}"


def claims_name_worlds(cls: type[Method], worlds: Worlds) -> None:
    """Claimed and blind worlds exist, and something is claimed."""
    assert cls.claims, "claims no world"
    for name in (*cls.claims, *cls.blind):
        assert name in worlds, f"no world {name!r}; there are: {', '.join(worlds)}"


# --- laws of scorers ------------------------------------------------------------------------------------------
def rows_do_not_see_their_order(cls: type[Method], worlds: Worlds) -> None:
    """Shuffled rows get the same scores, shuffled."""
    world = _first(cls, worlds)
    order = np.random.default_rng(5).permutation(_rows(world))
    method = cls()
    scores = np.asarray(run(method, world))
    shuffled = call(method, _per_row(world.evidence, lambda array, axis: np.take(array, order, axis=axis)))
    assert scores.shape == (len(order),), f"scores have shape {scores.shape} for {len(order)} rows"
    if cls.transductive:
        agreement = float(np.corrcoef(scores[order], shuffled)[0, 1])
        assert agreement > 0.9, f"scores of shuffled rows correlate only {agreement:.2f}"
    else:
        assert _same(scores[order], shuffled, 1e-6), "scores depend on the order of the rows"


def rows_do_not_see_each_other(cls: type[Method], worlds: Worlds) -> None:
    """A batch of one scores what a batch of n scores: the licence to shard. Transductive methods say they differ."""
    if cls.transductive:
        return
    world = _first(cls, worlds)
    method = cls()
    scores = np.asarray(run(method, world))
    for row in (0, _rows(world) - 1):
        alone = call(method, _per_row(world.evidence, partial(_only, row=row)))
        assert np.allclose(scores[row], alone[0], rtol=1e-5, atol=1e-6), f"row {row}: {scores[row]}, alone {alone[0]}"


def _only(array: np.ndarray, axis: int, row: int) -> np.ndarray:
    return np.take(array, [row], axis=axis)


def finds_the_fault_where_it_claims_to(cls: type[Method], worlds: Worlds) -> None:
    """Mean AUROC against the planted rows is at least 0.70 in every claimed world."""
    for name in cls.claims:
        value = _mean_auroc(cls, worlds[name])
        assert value >= FOUND, f"AUROC {value:.3f} in {name!r}, claimed at least {FOUND}"


def is_blind_where_it_says_so(cls: type[Method], worlds: Worlds) -> None:
    """A blind spot that closed makes the page stale."""
    for name in cls.blind:
        value = _mean_auroc(cls, worlds[name])
        assert value < BLIND, f"AUROC {value:.3f} in {name!r}, said to be blind (below {BLIND})"


def _mean_auroc(cls: type[Method], make: Callable[[int], World]) -> float:
    return float(np.mean([_auroc(run(cls(), world), world.truth) for world in map(make, SEEDS)]))


def _auroc(scores: np.ndarray, truth: np.ndarray) -> float:
    from scipy.stats import rankdata

    truth = np.asarray(truth, dtype=bool)
    ranks = rankdata(scores)
    positives = truth.sum()
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * (~truth).sum()))


def sees_nothing_where_nothing_is_wrong(cls: type[Method], worlds: Worlds) -> None:
    """Rows of the faultless world score lower than the planted rows of every claimed world (medians)."""
    clean = float(np.median(run(cls(), worlds["none"](0))))
    for name in cls.claims:
        world = worlds[name](0)
        planted = float(np.median(np.asarray(run(cls(), world))[np.asarray(world.truth, bool)]))
        assert clean < planted, f"clean rows score {clean:.3g}, planted rows of {name!r} {planted:.3g}"


# --- laws of measures -----------------------------------------------------------------------------------------
def pvalues_are_honest(cls: type[Method], worlds: Worlds) -> None:
    """With no fault, p < .05 in about 5 % of draws; p is never 0."""
    pvalues = _pvalues(cls, worlds["none"], DRAWS) if "none" in worlds and _fits(cls, worlds["none"]) else None
    if pvalues is None:
        return
    alarms, most = int((pvalues < 0.05).sum()), _binomial_upper(DRAWS, 0.05)
    assert alarms <= most, f"{alarms} false alarms at 5 % in {DRAWS} draws, at most {most} are chance"
    assert pvalues.min() > 0, "a p-value is 0"


def finds_the_planted_change(cls: type[Method], worlds: Worlds) -> None:
    """p < .05 in at least 8 of 10 draws of every claimed world; in at most 5 of 10 where it says it is blind."""
    for name in cls.claims:
        pvalues = _pvalues(cls, worlds[name], 10)
        assert pvalues is None or (pvalues < 0.05).sum() >= 8, f"{(pvalues < 0.05).sum()} of 10 draws found in {name!r}"
    for name in cls.blind:
        pvalues = _pvalues(cls, worlds[name], 10)
        assert pvalues is None or (pvalues < 0.05).sum() <= 5, f"{(pvalues < 0.05).sum()} of 10 found in blind {name!r}"


def intervals_cover_the_truth(cls: type[Method], worlds: Worlds) -> None:
    """Where the truth is a known number, the 90 % interval covers it in about 90 % of draws; low <= value <= high."""
    for name in cls.claims:
        if worlds[name](0).truth is None or not _fits(cls, worlds[name]):
            continue
        draws = [worlds[name](seed) for seed in range(DRAWS)]
        pairs = [(run(cls(), world), float(world.truth)) for world in draws]
        covered = sum(estimate.low <= truth <= estimate.high for estimate, truth in pairs)
        least = DRAWS - _binomial_upper(DRAWS, 0.1)
        assert covered >= least, f"{covered} of {DRAWS} intervals cover the truth in {name!r}, expected about 54"
        assert all(e.low <= e.value <= e.high for e, _ in pairs), "an interval does not hold its own value"
        width = float(np.mean([e.high - e.low for e, _ in pairs]))
        spread = float(np.std([truth - e.value for e, truth in pairs]))
        assert width <= 12 * spread + 0.02 * abs(pairs[0][1]) + 1e-9, (
            f"intervals are {width:.3g} wide, errors {spread:.3g}"
        )


def _fits(cls: type[Method], make: Callable[[int], World]) -> bool:
    try:
        _takes(cls, make(0))
    except AssertionError:
        return False
    return True


def _pvalues(cls: type[Method], make: Callable[[int], World], draws: int) -> np.ndarray | None:
    first = run(cls(), make(0)).pvalue
    if first is None:
        return None
    return np.array([first, *(run(cls(), make(seed)).pvalue for seed in range(1, draws))])


def _binomial_upper(draws: int, rate: float, tail: float = 1e-4) -> int:
    from scipy.stats import binom

    return int(binom.ppf(1 - tail, draws, rate))


# --- laws of groupers, weighers, mappers ----------------------------------------------------------------------
def recovers_the_planted_groups(cls: type[Method], worlds: Worlds) -> None:
    """Adjusted Rand index against the planted groups is at least 0.5 in claimed worlds, below 0.3 in blind ones."""
    from sklearn.metrics import adjusted_rand_score

    for name in (*cls.claims, *cls.blind):
        draws = [worlds[name](seed) for seed in SEEDS]
        agreement = float(np.mean([adjusted_rand_score(w.truth, run(cls(), w)) for w in draws]))
        claimed = name in cls.claims
        assert (agreement >= 0.5) if claimed else (agreement < 0.3), f"adjusted Rand index {agreement:.2f} in {name!r}"


def groups_nothing_where_nothing_is_wrong(cls: type[Method], worlds: Worlds) -> None:
    """In the faultless world at most 2 % of rows are in a group, on average."""
    draws = [worlds["none"](seed) for seed in SEEDS]
    share = float(np.mean([(np.asarray(run(cls(), world)) >= 0).mean() for world in draws]))
    assert share <= 0.02, f"{share:.1%} of the rows are grouped where nothing is wrong"


def weights_are_non_negative_with_mean_one(cls: type[Method], worlds: Worlds) -> None:
    """Ready for `sample_weight`."""
    for name in _home(cls, worlds):
        weights = np.asarray(run(cls(), worlds[name](0)))
        assert weights.min() >= 0, f"negative weight {weights.min()} in {name!r}"
        assert abs(weights.mean() - 1) < 1e-6, f"mean weight {weights.mean():.6f} in {name!r}"


def weights_are_flat_when_nothing_moved(cls: type[Method], worlds: Worlds) -> None:
    """The effective sample size stays above 60 % of the rows."""
    weights = np.asarray(run(cls(), worlds["none"](0)))
    effective = float(weights.sum() ** 2 / (weights**2).sum() / len(weights))
    assert effective > 0.6, f"effective sample size {effective:.0%} of the rows although nothing moved"


def weights_move_the_reference_to_the_target(cls: type[Method], worlds: Worlds) -> None:
    """Agrees in direction with the true ratio (rank correlation above 0.3) in every claimed world."""
    from scipy.stats import spearmanr

    for name in cls.claims:
        draws = [worlds[name](seed) for seed in SEEDS]
        agreement = float(np.mean([spearmanr(run(cls(), w), w.truth).statistic for w in draws]))
        assert agreement > 0.3, f"rank correlation with the true ratio is {agreement:.2f} in {name!r}"


def calibrates_where_it_claims_to(cls: type[Method], worlds: Worlds) -> None:
    """Log loss on fresh rows falls in claimed worlds and rises by less than 0.02 where nothing is wrong."""
    for name in (*cls.claims, "none"):
        if not _fits(cls, worlds[name]):
            continue
        draws = [worlds[name](seed) for seed in SEEDS]
        gain = float(
            np.mean([_log_loss(w.evidence["probs"], w.truth) - _log_loss(run(cls(), w), w.truth) for w in draws])
        )
        assert gain > (0.0 if name in cls.claims else -0.02), f"log loss changes by {-gain:+.4f} in {name!r}"


def probabilities_stay_probabilities(cls: type[Method], worlds: Worlds) -> None:
    """What comes out sums to 1 and lies in [0, 1]."""
    world = _first(cls, worlds)
    probs = np.asarray(run(cls(), world))
    assert probs.shape == np.shape(world.evidence["probs"]), f"shape {probs.shape} comes out"
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-6) and probs.min() >= 0, "not probabilities"


def _log_loss(probs: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(np.clip(probs[np.arange(len(y)), y], 1e-6, 1)).mean())


_COMMON: tuple[Law, ...] = (
    clones_and_pickles,
    same_seed_same_bits,
    inputs_left_alone,
    every_setting_changes_something,
    asks_to_be_fitted,
    extremes_stay_finite,
    few_rows_are_finite_or_refused,
    both_float_widths,
    memory_grows_as_declared,
    bad_input_gives_one_clear_error,
    docstring_is_complete,
    arguments_are_in_the_vocabulary,
    claims_name_worlds,
)
_BY_ROLE: dict[str, tuple[Law, ...]] = {
    "scorer": (
        rows_do_not_see_their_order,
        rows_do_not_see_each_other,
        finds_the_fault_where_it_claims_to,
        is_blind_where_it_says_so,
        sees_nothing_where_nothing_is_wrong,
    ),
    "measure": (pvalues_are_honest, finds_the_planted_change, intervals_cover_the_truth),
    "grouper": (recovers_the_planted_groups, groups_nothing_where_nothing_is_wrong),
    "weigher": (
        weights_are_non_negative_with_mean_one,
        weights_are_flat_when_nothing_moved,
        weights_move_the_reference_to_the_target,
    ),
    "mapper": (calibrates_where_it_claims_to, probabilities_stay_probabilities),
}
