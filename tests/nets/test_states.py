"""State dicts on disk: streamed arithmetic equals that in memory; nothing half-written, nothing hostile believed."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
files = pytest.importorskip("safetensors.torch")

from holdfast.nets import combine, open_state  # noqa: E402
from holdfast.nets.reference import ResNet  # noqa: E402
from holdfast.nets.states import INDEX  # noqa: E402


def _mean(name, tensors):
    return torch.stack([tensor.float() for tensor in tensors]).mean(0)


@pytest.fixture
def twins(tmp_path: Path):
    states = []
    for seed in (0, 1):
        generator = torch.Generator().manual_seed(seed)
        plain = ResNet(1, 10, width=4).state_dict()
        state = {
            name: torch.randn(value.shape, generator=generator).to(torch.bfloat16 if "stem" in name else value.dtype)
            for name, value in plain.items()
        }
        states.append(state)
        files.save_file(state, tmp_path / f"{seed}.safetensors")
    return states, [tmp_path / "0.safetensors", tmp_path / "1.safetensors"]


def test_streamed_equals_in_memory_and_any_reader_reads_it(twins, tmp_path: Path) -> None:
    states, paths = twins
    inside = combine(states, _mean)
    combine([open_state(path) for path in paths], _mean, tmp_path / "out.safetensors")
    written = files.load_file(tmp_path / "out.safetensors")
    assert written.keys() == inside.keys()
    for name, value in inside.items():
        assert written[name].dtype == states[0][name].dtype and torch.equal(written[name], value), name
    twice = combine([open_state(path) for path in paths], _mean, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "out.safetensors").read_bytes()
    assert len(twice) == len(inside)


def test_shards_stay_shards(twins, tmp_path: Path) -> None:
    states, _ = twins
    folders = []
    for place, state in enumerate(states):
        folder = tmp_path / f"model{place}"
        folder.mkdir()
        names = list(state)
        home = {}
        for part, chosen in enumerate((names[:7], names[7:])):
            file = f"model-{part + 1:05d}-of-00002.safetensors"
            files.save_file({name: state[name] for name in chosen}, folder / file)
            home |= dict.fromkeys(chosen, file)
        (folder / INDEX).write_text(json.dumps({"weight_map": home}))
        folders.append(folder)
    merged = combine([open_state(folder) for folder in folders], _mean, tmp_path / "merged")
    assert sorted(merged.shards()) == sorted(open_state(folders[0]).shards())
    for name, value in combine(states, _mean).items():
        assert torch.equal(merged[name], value), name
    assert not [path for path in (tmp_path / "merged").iterdir() if path.name.startswith(".")]


def test_a_crash_in_the_middle_leaves_nothing(twins, tmp_path: Path) -> None:
    _, paths = twins

    def rule(name, tensors):
        if name == "head.weight":
            raise KeyboardInterrupt
        return tensors[0]

    (tmp_path / "out").mkdir()
    with pytest.raises(KeyboardInterrupt):
        combine([open_state(path) for path in paths], rule, tmp_path / "out" / "merged.safetensors")
    assert list((tmp_path / "out").iterdir()) == []


def test_states_that_are_no_twins_are_refused_by_name(twins) -> None:
    states, _ = twins
    fewer = {name: value for name, value in states[1].items() if name != "head.bias"}
    with pytest.raises(ValueError, match=r"only the first state has 'head.bias'"):
        combine([states[0], fewer], _mean)
    wider = {**states[1], "head.bias": torch.zeros(11)}
    with pytest.raises(ValueError, match=r"head.bias: shape \(10,\) in the first state, \(11,\) in the second"):
        combine([states[0], wider], _mean)
    with pytest.raises(ValueError, match="the rule made shape"):
        combine(states, lambda name, tensors: tensors[0].flatten()[:1])


def test_broken_and_hostile_files_are_one_clear_error(twins, tmp_path: Path) -> None:
    _, (path, _) = twins
    whole = path.read_bytes()
    bad = tmp_path / "bad.safetensors"
    for content in (whole[:-10], whole[:20], b"", struct.pack("<Q", 1 << 60) + b"{}", b"\x80\x04hello" * 10):
        bad.write_bytes(content)
        with pytest.raises(ValueError, match="not a whole safetensors file"):
            open_state(bad)
    (tmp_path / "weights.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ValueError, match="Pickled weights"):
        open_state(tmp_path / "weights.bin")
    with pytest.raises(ValueError, match="no such file"):
        open_state(tmp_path / "nothing.safetensors")
    index = tmp_path / INDEX
    index.write_text(json.dumps({"weight_map": {"w": "../../secret.safetensors"}}))
    with pytest.raises(ValueError, match="leaves the folder"):
        open_state(tmp_path)
    index.write_text("[]")
    with pytest.raises(ValueError, match="not an index"):
        open_state(tmp_path)
