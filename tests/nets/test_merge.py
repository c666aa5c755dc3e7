"""`holdfast.merge` and `holdfast merge`: from modules, state dicts and files; never worse than the best parent."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch")
files = pytest.importorskip("safetensors.torch")

import holdfast  # noqa: E402
from holdfast import merging  # noqa: E402
from holdfast.cli import main  # noqa: E402
from holdfast.faults.worlds import merging as beds  # noqa: E402
from holdfast.merging import Dare, LossBarrier, PermutationAlignment, TiesMerging, UniformSoup  # noqa: E402
from holdfast.merging._models import kth_magnitudes  # noqa: E402
from holdfast.nets import Batches, fit, open_state, predict  # noqa: E402
from holdfast.nets.calling import seeded  # noqa: E402
from holdfast.nets.entries import decode, encode  # noqa: E402
from holdfast.nets.norms import measured_again  # noqa: E402
from holdfast.nets.reference import ResNet  # noqa: E402
from holdfast.nets.states import NAMES, State  # noqa: E402

from .conftest import CrossEntropy  # noqa: E402


def _same(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def on_disk(tmp_path: Path):
    models = beds.three_tasks(0).evidence["models"]
    paths = []
    for place, model in enumerate(models):
        paths.append(tmp_path / f"{place}.safetensors")
        files.save_file({name: value.contiguous() for name, value in model.state_dict().items()}, paths[-1])
    return models, paths


@pytest.mark.parametrize("name", ["UniformSoup", "TaskArithmetic", "TiesMerging", "Dare", "ModelBreadcrumbs"])
def test_modules_states_and_files_give_the_same_weights(on_disk, tmp_path: Path, name: str) -> None:
    models, paths = on_disk
    module = holdfast.merge(models[1:], base=models[0], method=name).model
    state = holdfast.merge([m.state_dict() for m in models[1:]], base=models[0].state_dict(), method=name).model
    file = holdfast.merge(paths[1:], base=paths[0], method=name, out=tmp_path / "merged.safetensors").model
    assert _same(module.state_dict(), state) and _same(state, file)
    assert len(open_state(tmp_path / "merged.safetensors")) == len(state)


@pytest.mark.parametrize("name", ["UniformSoup", "TaskArithmetic", "TiesMerging", "Dare", "ModelBreadcrumbs"])
def test_pieces_and_workers_change_no_byte(on_disk, tmp_path: Path, monkeypatch, name: str) -> None:
    _, paths = on_disk
    written = []
    for piece, workers in ((1 << 18, 1), (7, 1), (7, 2), (64, 3)):
        monkeypatch.setattr("holdfast.nets.states.PIECE", piece)
        out = tmp_path / f"{piece}-{workers}.safetensors"
        holdfast.merge(paths[1:], base=paths[0], method=name, out=out, workers=workers)
        written.append(out.read_bytes())
    assert len(set(written)) == 1
    with pytest.raises(ValueError, match="workers is 0"):
        holdfast.merge(paths[1:], base=paths[0], method=name, out=tmp_path / "none.safetensors", workers=0)


@pytest.mark.parametrize("name", ["FisherMerging", "UncertaintyGradientMatching", "BackwardCompatibleInterpolation"])
def test_diagonals_are_read_piece_by_piece_beside_the_models(on_disk, tmp_path: Path, monkeypatch, name: str) -> None:
    models, paths = on_disk
    generator = torch.Generator().manual_seed(0)
    diagonals = [
        {k: torch.rand(v.shape, generator=generator) for k, v in model.named_parameters()} for model in models
    ]  # fmt: skip
    for place, diagonal in enumerate(diagonals):
        files.save_file(diagonal, tmp_path / f"fisher{place}.safetensors")
    on_file = [tmp_path / f"fisher{place}.safetensors" for place in range(len(models))]
    method = getattr(merging, name)()
    one = name == "BackwardCompatibleInterpolation"
    inside = method.edit([model.state_dict() for model in models], diagonals[0] if one else diagonals)
    longest, read = 0, State.piece

    def piece(self, tensor: str, start: int, end: int):
        nonlocal longest
        longest = max(longest, end - start)
        return read(self, tensor, start, end)

    monkeypatch.setattr(State, "piece", piece)
    monkeypatch.setattr(State, "__getitem__", None)  # whole tensors are not read
    monkeypatch.setattr("holdfast.nets.states.PIECE", 64)
    method.edit(paths, on_file[0] if one else on_file, out=tmp_path / "merged.safetensors")
    assert longest == 64 and _same(inside, files.load_file(tmp_path / "merged.safetensors"))
    wrong = [{**diagonal, "head.bias": torch.ones(3)} for diagonal in diagonals]
    with pytest.raises(ValueError, match=r"head\.bias: shape"):
        method.edit([model.state_dict() for model in models], wrong[0] if one else wrong)


def test_files_are_merged_without_torch(on_disk, tmp_path: Path) -> None:
    _, paths = on_disk
    code = (
        "import sys, holdfast; base, *models, out = sys.argv[1:]\n"
        "for method in ('UniformSoup', 'TiesMerging', 'TaskArithmetic', 'ModelBreadcrumbs', 'Dare'):\n"
        "    holdfast.merge(models, base=base, method=method, out=out)\n"
        "assert 'torch' not in sys.modules"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths), str(tmp_path / "out.safetensors")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_numbers_are_stored_as_torch_stores_them(dtype: str) -> None:
    kind = getattr(torch, dtype)
    bits = torch.randint(-(1 << 31), (1 << 31) - 1, (20_000,), generator=torch.Generator().manual_seed(0))
    odd = torch.tensor(
        [0.0, -0.0, float("inf"), float("-inf"), float("nan"), 1e-45, 3.4e38, 65519.0, 65520.0, 1.00390625]
    )
    numbers = torch.cat([bits.to(torch.int32).view(torch.float32), odd])
    stored = numbers.to(kind)
    ours = encode(numbers.numpy(), NAMES[str(kind)])
    again = torch.from_numpy(ours).view(kind)
    assert torch.equal(again.isnan(), stored.isnan()) and torch.equal(again.nan_to_num(), stored.nan_to_num())
    back = torch.from_numpy(decode(ours, NAMES[str(kind)]))
    assert torch.equal(back.nan_to_num(), stored.float().nan_to_num()) and torch.equal(back.isnan(), stored.isnan())


@pytest.mark.parametrize("method", [TiesMerging(), Dare(), UniformSoup(), merging.FisherMerging()])
def test_a_tensor_without_entries_stays_one(method) -> None:
    states = [{"w": torch.tensor([1.0, float(place)]), "none": torch.empty(0, 3)} for place in range(3)]
    beside = {"fishers": [{"w": torch.ones(2), "none": torch.empty(0, 3)}] * 3}
    made = method.edit(states, **(beside if isinstance(method, merging.FisherMerging) else {}))
    assert made["none"].shape == (0, 3) and made["w"].shape == (2,)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.99, 1.0])
def test_the_magnitude_at_a_share_is_that_of_a_sorted_list(share: float) -> None:
    generator = torch.Generator().manual_seed(0)
    base, one = torch.zeros(1000), torch.randn(1000, generator=generator)
    two = torch.cat([torch.zeros(300), one[:300].bfloat16().float().repeat(2), torch.full((100,), 1e-30)])
    pieces = [[part[start : start + 99].numpy() for part in (base, one, two)] for start in range(0, 1000, 99)]
    found = kth_magnitudes(lambda: iter(pieces), [share])
    for change, (least,) in zip((one, two), found, strict=True):
        place = round(share * 1000)
        wanted = change.abs().sort().values[place] if place < 1000 else torch.tensor(float("inf"))
        assert least == (float(wanted) if place else 0)


def test_random_numbers_of_a_tensor_do_not_depend_on_the_others(on_disk) -> None:
    models, _ = on_disk
    states = [model.state_dict() for model in models]
    whole = Dare(seed=5).edit(states)
    alone = Dare(seed=5).edit([{"head.bias": state["head.bias"]} for state in states])
    assert torch.equal(whole["head.bias"], alone["head.bias"])


def test_ties_agree_with_the_definition_written_out_by_hand() -> None:
    generator = torch.Generator().manual_seed(0)
    base, *tuned = (torch.randn(7, 9, generator=generator) for _ in range(4))
    changes = np.stack([(other - base).numpy().ravel() for other in tuned])
    for row in changes:
        row[np.argsort(-np.abs(row))[round(0.3 * row.size) :]] = 0
    sign = np.sign(changes.sum(axis=0))
    expected = np.zeros(63)
    for place in range(63):
        agreeing = [value for value in changes[:, place] if value * sign[place] > 0]
        expected[place] = np.mean(agreeing) if agreeing else 0
    made = TiesMerging(density=0.3, weight=0.7).edit([{"w": value} for value in (base, *tuned)])["w"]
    np.testing.assert_allclose(made.numpy().ravel(), base.numpy().ravel() + 0.7 * expected, atol=1e-5)


def test_matching_units_lowers_the_barrier_and_hardly_the_distance() -> None:
    """The claim of catalogue row 219: the distance stays, the barrier falls."""
    lower, shorter = [], []
    for seed in range(3):
        one, other = beds.strangers(seed).evidence["models"]
        aligned = PermutationAlignment().edit(other, one)
        np.testing.assert_allclose(beds._logits(aligned, beds._TEST), beds._logits(other, beds._TEST), atol=1e-4)
        before, after = (LossBarrier().measure(path_loss=beds._path(one, m)) for m in (other, aligned))
        lower.append(1 - after.value / before.value)
        shorter.append(1 - _distance(one, aligned) / _distance(one, other))
    assert min(lower) > 0.5, f"the barrier falls by {np.round(lower, 2)}"
    assert max(shorter) < min(lower), (
        f"the distance falls by {np.round(shorter, 2)}, the barrier by {np.round(lower, 2)}"
    )


def _distance(one, other) -> float:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return float(sum((a - b).square().sum() for a, b in pairs) ** 0.5)


def test_a_worse_merge_is_refused_and_the_best_parent_returned() -> None:
    world = beds.strangers(1)
    score = partial(beds._accuracy, rows=beds._TEST)
    made = holdfast.merge(world.evidence["models"], evaluate=score)
    assert "best parent" in made.refused and made.score < max(made.parents)
    assert score(made.model) == max(made.parents)
    good = holdfast.merge(beds.fine_tunes(0).evidence["models"], method="GreedySoup", evaluate=score)
    assert good.refused == "" and good.score >= max(good.parents)


def test_statistics_of_normalisation_are_measured_again(digits) -> None:
    X, y = digits
    with seeded(0):
        start = ResNet(1, 10, width=4)
    adam = partial(torch.optim.AdamW, lr=3e-2)
    one, two = (
        fit(start, CrossEntropy(), Batches(X[:600], y[:600], shuffle=True, seed=seed), epochs=4, optimizer=adam).model
        for seed in (1, 2)
    )
    merged = UniformSoup().edit([one, two])
    again = holdfast.merge([one, two], batches=Batches(X[:600])).model
    plain, better = ((predict(m, Batches(X[1000:])).argmax(1) == y[1000:]).mean() for m in (merged, again))
    assert better > plain + 0.02, (
        f"accuracy {plain:.3f} with averaged statistics, {better:.3f} with statistics measured again"
    )
    assert _same(dict(merged.named_parameters()), dict(again.named_parameters())), "a weight was changed"
    before = copy.deepcopy(one.state_dict())
    measured_again(one, Batches(X[:64]))
    assert _same(before, one.state_dict()), "the model given in was changed"


# --- the command ----------------------------------------------------------------------------------------------
class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys, monkeypatch) -> Callable[..., Done]:
    """The command line within this process: importing torch again and again would take most of the time."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr("sys.argv", ["holdfast", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return Done(int(left.value.code or 0), *capsys.readouterr())

    return run


def test_a_recipe_is_merged_from_the_shell(on_disk, tmp_path: Path, command) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'method = "TiesMerging"\nbase = "0.safetensors"\nmodels = ["1.safetensors", "2.safetensors"]\n'
        'out = "merged.safetensors"\n[settings]\ndensity = 0.4\n'
    )
    done = command("merge", str(recipe))
    assert done.code == 0 and "TiesMerging(density=0.4" in done.out, done.err
    models, _ = on_disk
    expected = TiesMerging(density=0.4).edit([model.state_dict() for model in models[:3]])
    assert _same(expected, open_state(tmp_path / "merged.safetensors"))
    again = command("merge", str(recipe))
    assert again.code == 2 and "exists already" in again.err
    assert command("merge", str(recipe), "--force").code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('models = ["0.safetensors"]\n', "out is missing"),
        ('out = "x.safetensors"\n', "models is missing"),
        ("models = 3\n", "models is int; expected list"),
        ('modells = []\n', "unknown key 'modells'"),
        ('method = "Ties"\nmodels = ["0.safetensors"]\nout = "x.safetensors"', "Did you mean 'TiesMerging'"),
        ('models = ["0.safetensors", "9.safetensors"]\nout = "x.safetensors"', "no such file"),
        ('models = ["0.safetensors"]\nout = "x.safetensors"\n[settings]\nweight = 1', "has no setting 'weight'"),
        ('method = "GreedySoup"\nmodels = ["0.safetensors"]\nout = "x.safetensors"', "has to hold whole models"),
        ("models = [", "cannot be read as a recipe"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_one_clear_message(on_disk, command, tmp_path: Path, text: str, said: str) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(text)
    done = command("merge", str(recipe))
    assert done.code == 2 and said in done.err and "Traceback" not in done.err, done.err
    assert not (tmp_path / "x.safetensors").exists()
