"""Arithmetic on the weights of networks: state dicts read from and written to safetensors, one tensor at a time."""

from __future__ import annotations

import json
import math
import os
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from holdfast.nets.entries import STORED, decode, encode, size_of

if TYPE_CHECKING:
    import torch

INDEX = "model.safetensors.index.json"
NAMES = {
    "torch.float64": "F64", "torch.float32": "F32", "torch.float16": "F16", "torch.bfloat16": "BF16",
    "torch.int64": "I64", "torch.int32": "I32", "torch.int16": "I16", "torch.int8": "I8", "torch.uint8": "U8",
    "torch.bool": "BOOL",
}  # fmt: skip

PIECE = 1 << 17  # entries that are read and merged at once where a rule allows it

Rule = Callable[[str, "list[torch.Tensor]"], "torch.Tensor"]
Pieces = Callable[[], Iterator[list[np.ndarray]]]
_workers: ContextVar[int] = ContextVar("workers", default=1)


class Entrywise(NamedTuple):
    """A rule by which every entry comes from those at its place: files are merged piece by piece, so that memory does
    not grow with the tensors, and without torch.

    `rule(name, entries, measured)` is given flat arrays of the same entries of every state, and leaves them as they
    are: float32, or as they are stored where these are whole numbers. Tensors in memory come in one piece.
    `measure(name, pieces)` sees all pieces of one name before, as often as it calls `pieces()`, and what it returns is
    `measured`. After the entries of the states come those of the states `beside`, for names that these have: what is
    reckoned with and not merged.
    """

    rule: Callable[[str, list[np.ndarray], Any], np.ndarray]
    measure: Callable[[str, Pieces], Any] | None = None
    beside: Sequence[Mapping[str, torch.Tensor]] = ()

    def with_beside(
        self, name: str, states: Sequence[Mapping[str, torch.Tensor]]
    ) -> list[Mapping[str, torch.Tensor]]:  # fmt: skip
        """All states that are read for this name."""
        extra = [state for state in self.beside if name in state]
        if len(extra) not in (0, len(self.beside)):
            raise ValueError(f"{name}: only {len(extra)} of the {len(self.beside)} states beside the models have it.")
        for state in extra:
            if (here := _shape(states[0], name)) != (there := _shape(state, name)):
                raise ValueError(f"{name}: shape {here} in the first state, {there} in a state beside it.")
        return [*states, *extra]


@contextmanager
def merging_in(workers: int) -> Iterator[None]:
    """Inside, files are merged by so many threads, each with a tensor of its own; the bytes are the same for any."""
    if workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1.")
    token = _workers.set(workers)
    try:
        yield
    finally:
        _workers.reset(token)


class State(Mapping[str, "torch.Tensor"]):
    """A state dict on disk, in one file or in shards: a mapping that reads a tensor when it is asked for.

    Shapes and dtypes are known without reading weights: `state.shape_of(name)`, `state.dtype_of(name)`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.files = _files(self.path)
        headers = {file: _header(file) for file in self.files}
        self._headers = {file: header for file, (header, _) in headers.items()}
        self._starts = {file: start for file, (_, start) in headers.items()}
        self._home = {name: file for file, header in self._headers.items() for name in header}
        twice = sum(map(len, self._headers.values())) - len(self._home)
        if twice:
            raise ValueError(f"{self.path}: {twice} tensors stand in more than one shard.")

    def __getitem__(self, name: str) -> torch.Tensor:
        file = self._home[name]
        try:
            with safe_open(file, framework="pt") as opened:
                return opened.get_tensor(name)
        except SafetensorError as problem:
            raise ValueError(f"{file}: cannot read tensor {name!r}: {problem}.") from None

    def __contains__(self, name: object) -> bool:
        return name in self._home  # without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(self._home)

    def __len__(self) -> int:
        return len(self._home)

    def piece(self, name: str, start: int, end: int) -> np.ndarray:
        """These entries of a tensor, flat, as numbers to reckon with."""
        about = self._about(name)
        file, dtype = self._home[name], about["dtype"]
        size, place = size_of(dtype), self._starts[file] + about["data_offsets"][0]
        return decode(np.fromfile(file, np.uint8, (end - start) * size, offset=place + start * size), dtype)

    def _about(self, name: str) -> dict[str, Any]:
        return self._headers[self._home[name]][name]

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return tuple(self._about(name)["shape"])

    def dtype_of(self, name: str) -> str:
        """The dtype of a tensor, as the format calls it: F32, BF16, I64."""
        return str(self._about(name)["dtype"])

    def shards(self) -> dict[str, list[str]]:
        """The names of the tensors by file name."""
        return {file.name: list(header) for file, header in self._headers.items()}


def open_state(path: str | os.PathLike[str]) -> State:
    """A state dict on disk: a `.safetensors` file, or a folder or index file of shards.

    Raises `ValueError` for a file that is truncated, hostile or not safetensors at all; pickles are refused: loading
    one runs its code.
    """
    return State(path)


def combine(
    states: Sequence[Mapping[str, torch.Tensor]], rule: Rule | Entrywise, out: str | os.PathLike[str] | None = None
) -> dict[str, torch.Tensor] | State:
    """Apply a rule to the tensors of one name at a time.

    Parameters
    ----------
    states
        State dicts in memory or on disk (`open_state`) with the same names and shapes.
    rule
        `rule(name, tensors) -> tensor`, same shape; the result is stored in the first state's dtype. Tensors arrive
        as they are stored; integers (counters) too. Or an `Entrywise` rule.
    out
        A file (or a folder, where the first state has shards) that is streamed to: no more than one tensor of each
        state and the result are in memory (with an `Entrywise` rule, a piece of each), for each of the threads of
        `merging_in`. Written aside and renamed. Without it the result is a dict.

    Raises
    ------
    ValueError
        When names or shapes differ, naming the first that does, or a result has another shape.

    Examples
    --------
    >>> import torch
    >>> a, b = {"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([3.0, 6.0])}
    >>> combine([a, b], lambda name, tensors: sum(tensors) / 2)["w"].tolist()
    [2.0, 4.0]
    """
    first = states[0]
    _same(states)
    if out is None:
        return {name: _result(name, states, rule) for name in first}
    out = Path(out)
    shards = first.shards() if isinstance(first, State) else {out.name: list(first)}
    if len(shards) == 1:
        _write(out, next(iter(shards.values())), states, rule)
        return State(out)
    out.mkdir(parents=True, exist_ok=True)
    for file, names in shards.items():
        _write(out / file, names, states, rule)
    _write_index(out, shards)
    return State(out)


def _result(name: str, states: Sequence[Mapping[str, torch.Tensor]], rule: Rule | Entrywise) -> torch.Tensor:
    if isinstance(rule, Entrywise):
        return _by_entry(name, [state[name] for state in rule.with_beside(name, states)], rule)
    tensors = [state[name] for state in states]
    made = rule(name, tensors)
    if made.shape != tensors[0].shape:
        raise ValueError(f"{name}: the rule made shape {tuple(made.shape)} of {tuple(tensors[0].shape)}.")
    return made.to(tensors[0].dtype)


def _by_entry(name: str, tensors: list[torch.Tensor], rule: Entrywise) -> torch.Tensor:
    import torch

    first = tensors[0]
    if not first.numel():
        return first.clone()
    entries = [_entries(tensor) for tensor in tensors]
    measured = rule.measure(name, lambda: iter([entries])) if rule.measure else None
    made = torch.from_numpy(np.ascontiguousarray(rule.rule(name, entries, measured)))
    if made.numel() != first.numel():
        raise ValueError(f"{name}: the rule made {made.numel()} entries of {first.numel()}.")
    return made.reshape(first.shape).to(first.device, first.dtype, copy=True)


def _entries(tensor: torch.Tensor) -> np.ndarray:
    flat = tensor.detach().flatten()
    return np.asarray((flat.float() if tensor.is_floating_point() else flat).cpu().numpy())


def _same(states: Sequence[Mapping[str, torch.Tensor]]) -> None:
    names = set(states[0])
    for place, state in enumerate(states[1:], 2):
        if other := sorted(names ^ set(state)):
            where = "first" if other[0] in names else f"{_ordinal(place)}"
            raise ValueError(f"only the {where} state has {other[0]!r} ({len(other)} names differ): are these twins?")
        for name in states[0]:
            if (here := _shape(states[0], name)) != (there := _shape(state, name)):
                raise ValueError(f"{name}: shape {here} in the first state, {there} in the {_ordinal(place)}.")


def _ordinal(place: int) -> str:
    return {2: "second", 3: "third"}.get(place, f"{place}th")


def _shape(state: Mapping[str, torch.Tensor], name: str) -> tuple[int, ...]:
    return state.shape_of(name) if isinstance(state, State) else tuple(state[name].shape)


def _dtype(state: Mapping[str, torch.Tensor], name: str) -> str:
    return state.dtype_of(name) if isinstance(state, State) else NAMES[str(state[name].dtype)]


# --- the file format ---------------------------------------------------------------------------------------------
def _files(path: Path) -> list[Path]:
    if path.is_dir():
        index, single = path / INDEX, path / "model.safetensors"
        if not index.exists() and single.exists():
            return [single]
        path = index
    if not path.exists():
        raise ValueError(f"{path}: no such file. Give a .safetensors file or a folder that holds {INDEX}.")
    if path.suffix == ".json":
        return _shard_files(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path}: expected .safetensors. Pickled weights (.bin, .pt, .pth) run code when read.")
    return [path]


def _shard_files(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as problem:
        raise ValueError(f"{index}: not an index of shards ({type(problem).__name__}).") from None
    for name in names:
        if not isinstance(name, str) or Path(name).name != name:
            raise ValueError(f"{index}: shard {name!r} leaves the folder of the index.")
        if not (index.parent / name).exists():
            raise ValueError(f"{index}: shard {name} is missing.")
    return [index.parent / name for name in names]


def _header(file: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """Names, shapes and dtypes, and where weights begin; the library checks sizes and offsets before any is read."""
    try:
        with safe_open(file, framework="np") as opened:
            names = opened.keys()
        with file.open("rb") as raw:
            (length,) = struct.unpack("<Q", raw.read(8))
            header = json.loads(raw.read(length))
    except (SafetensorError, OSError, ValueError, struct.error) as problem:
        raise ValueError(f"{file}: not a whole safetensors file: {problem}.") from None
    unknown = sorted({header[name]["dtype"] for name in names} - set(STORED))
    if unknown:
        raise ValueError(f"{file}: tensors of type {unknown[0]} are not supported.")
    return {name: header[name] for name in names}, 8 + length


def _write(file: Path, names: list[str], states: Sequence[Mapping[str, torch.Tensor]], rule: Rule | Entrywise) -> None:
    """The header first, since all shapes are known; then every tensor at its place; then the file gets its name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as raw:
            head, places = _header_bytes(names, states[0])
            raw.write(head)
            raw.flush()

            def write(name: str) -> None:
                place = places[name]
                for part in _parts(name, states, rule):
                    place += _write_part(raw.fileno(), part, place)

            with ThreadPoolExecutor(_workers.get()) as pool:
                for _ in pool.map(write, names):
                    pass
        os.chmod(aside, 0o644)
        os.replace(aside, file)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def _parts(name: str, states: Sequence[Mapping[str, torch.Tensor]], rule: Rule | Entrywise) -> Iterator[np.ndarray]:
    """The bytes of the merged tensor: whole, or in pieces where the rule and all states allow for it."""
    read = rule.with_beside(name, states) if isinstance(rule, Entrywise) else states
    if not isinstance(rule, Entrywise) or not all(isinstance(state, State) for state in read):
        yield _bytes(_result(name, states, rule))
        return
    count, dtype = math.prod(_shape(states[0], name)), _dtype(states[0], name)

    def pieces() -> Iterator[list[np.ndarray]]:
        for start in range(0, count, PIECE):
            yield [state.piece(name, start, min(start + PIECE, count)) for state in read]  # type: ignore[attr-defined]

    measured = rule.measure(name, pieces) if rule.measure and count else None
    for entries in pieces():
        made = rule.rule(name, entries, measured)
        if made.shape != entries[0].shape:
            raise ValueError(f"{name}: the rule made {made.size} entries of {entries[0].size}.")
        yield encode(made, dtype)


def _bytes(tensor: torch.Tensor) -> np.ndarray:
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return np.asarray(flat.view(torch.uint8).numpy() if flat.numel() else np.zeros(0, np.uint8))


def _header_bytes(names: list[str], state: Mapping[str, torch.Tensor]) -> tuple[bytes, dict[str, int]]:
    """The header of a file, and where in the file every tensor begins."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    starts, end = {}, 0
    for name in names:
        shape, dtype = _shape(state, name), _dtype(state, name)
        size = size_of(dtype) * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        starts[name] = end
        end += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, {name: 8 + len(text) + start for name, start in starts.items()}


def _write_part(handle: int, part: np.ndarray, place: int) -> int:
    """Write the bytes there; how many they were."""
    left = part.data
    while left:
        written = os.pwrite(handle, left, place)
        left, place = left[written:], place + written
    return len(part)


def _write_index(folder: Path, shards: dict[str, list[str]]) -> None:
    total = sum((folder / name).stat().st_size for name in shards)
    home = {name: file for file, names in shards.items() for name in names}
    aside = folder / f".{INDEX}.part"
    aside.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": home}, indent=2), encoding="utf-8")
    os.replace(aside, folder / INDEX)
