"""The training loop: seeded, resumable, quiet about globals, and it stops when training diverges."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from holdfast.nets import Batches, fit, predict  # noqa: E402
from holdfast.nets.calling import seeded  # noqa: E402
from holdfast.nets.optimizers import SharpnessAware  # noqa: E402
from holdfast.nets.reference import MLP, ResNet, TextCNN, TinyViT  # noqa: E402
from holdfast.nets.training import DivergedWarning  # noqa: E402

from .conftest import CrossEntropy  # noqa: E402

SGD = partial(torch.optim.SGD, lr=0.1, momentum=0.9)


def _cosine(optimizer, steps):
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)


@pytest.fixture
def bed(digits):
    X, y = digits
    with seeded(1):
        model = MLP(64, 10, width=16, dropout=0.2)
    return model, Batches(X[:256], y[:256], batch_size=32, shuffle=True, seed=3)


def _state(model) -> list[torch.Tensor]:
    return [value.clone() for value in model.state_dict().values()]


def _equal(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_network_learns_the_digits(trained, digits) -> None:
    X, y = digits
    accuracy = (predict(trained.model, Batches(X[1000:])).argmax(1) == y[1000:]).mean()
    assert accuracy > 0.9, f"accuracy on digits never seen: {accuracy:.3f}"
    assert trained.losses[-1] < trained.losses[0] / 4, trained.losses


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(bed) -> None:
    model, loader = bed
    runs = [fit(model, CrossEntropy(), loader, epochs=2, optimizer=SGD, seed=seed) for seed in (5, 5, 6)]
    assert _equal(_state(runs[0].model), _state(runs[1].model))
    assert not _equal(_state(runs[0].model), _state(runs[2].model)), "the seed does not reach the dropout"


def test_the_model_given_and_the_global_generators_are_left_alone(bed) -> None:
    model, loader = bed
    before, torch_state = _state(model), torch.get_rng_state()
    fit(model, CrossEntropy(), loader, optimizer=SGD)
    assert _equal(before, _state(model))
    assert torch.equal(torch_state, torch.get_rng_state())
    fit(model, CrossEntropy(), loader, optimizer=SGD, in_place=True)
    assert not _equal(before, _state(model)), "in_place must change the model given in"


@pytest.mark.parametrize("optimizer", [SGD, partial(torch.optim.AdamW, lr=1e-2)], ids=["sgd", "adamw"])
def test_training_that_was_interrupted_ends_with_the_same_bits(bed, tmp_path: Path, optimizer) -> None:
    model, loader = bed
    options = {"optimizer": optimizer, "schedule": _cosine, "log": "training", "seed": 2}
    whole = fit(model, CrossEntropy(), loader, epochs=4, **options)

    class Killed(Exception):
        pass

    def kill(stage: str, done: int, total: int) -> None:
        if done == 2 * len(loader) + 3:
            raise Killed

    file = tmp_path / "run.pt"
    with pytest.raises(Killed):
        fit(model, CrossEntropy(), loader, epochs=4, checkpoint=file, progress=kill, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"], "a killed run leaves one whole file"
    resumed = fit(model, CrossEntropy(), loader, epochs=4, checkpoint=file, **options)
    assert _equal(_state(whole.model), _state(resumed.model))
    assert whole.losses == resumed.losses
    np.testing.assert_array_equal(whole.log.epoch_logits, resumed.log.epoch_logits)


def test_a_checkpoint_of_another_training_is_refused(bed, tmp_path: Path) -> None:
    model, loader = bed
    file = tmp_path / "run.pt"
    fit(model, CrossEntropy(), loader, checkpoint=file, optimizer=SGD)
    with pytest.raises(ValueError, match="another training"):
        fit(model, CrossEntropy(), loader, checkpoint=file, optimizer=SGD, seed=9)
    file.write_bytes(b"hello")
    with pytest.raises(ValueError, match="not a checkpoint of holdfast"):
        fit(model, CrossEntropy(), loader, checkpoint=file, optimizer=SGD)


def test_a_diverging_training_stops_and_keeps_the_last_good_state(bed) -> None:
    model, loader = bed

    class ExplodesInTheThirdEpoch(CrossEntropy):
        def start_epoch(self, epoch: int) -> None:
            self.factor = float("nan") if epoch == 2 else 1.0

        def loss(self, model, inputs, y, **rest):
            return super().loss(model, inputs, y) * self.factor

    good = fit(model, CrossEntropy(), loader, epochs=2, optimizer=SGD)
    with pytest.warns(DivergedWarning, match="epoch 2"):
        run = fit(model, ExplodesInTheThirdEpoch(), loader, epochs=5, optimizer=SGD)
    assert "nan at step 0 of epoch 2" in run.diverged
    assert _equal(_state(good.model), _state(run.model))
    assert len(run.losses) == 2


def test_the_log_holds_every_row_of_every_epoch(trained, digits) -> None:
    _, y = digits
    log = trained.log
    assert log.epoch_logits.shape == (6, 1000, 10) and np.isfinite(log.epoch_logits).all()
    np.testing.assert_array_equal(log.y, y[:1000])
    share = log.correct().mean(axis=1)
    assert share[0] < share[-1] and share[-1] > 0.95, f"share right per epoch: {share.round(3)}"
    logits = torch.from_numpy(log.epoch_logits[2])
    expected = torch.nn.functional.cross_entropy(logits, torch.from_numpy(log.y), reduction="none")
    np.testing.assert_allclose(log.losses()[2], expected.numpy(), rtol=1e-4, atol=1e-5)


def test_the_log_in_evaluation_mode_is_what_the_model_says_afterwards(bed) -> None:
    model, loader = bed
    run = fit(model, CrossEntropy(), loader, epochs=2, optimizer=SGD, log="evaluation")
    plain = Batches(loader.take(torch.arange(256))["inputs"])
    np.testing.assert_allclose(run.log.epoch_logits[-1], predict(run.model, plain), atol=1e-5)


def test_sharpness_aware_training_without_a_radius_is_plain_training(digits) -> None:
    X, y = digits
    model, loader = MLP(64, 10, width=16), Batches(X[:256], y[:256], batch_size=32, shuffle=True)

    def run(optimizer):
        return fit(model, CrossEntropy(), loader, epochs=12, optimizer=optimizer, schedule=_cosine)

    plain = run(SGD)
    flat, sharp = (run(partial(SharpnessAware, base=SGD, radius=radius)) for radius in (0.0, 0.05))
    assert _equal(_state(flat.model), _state(plain.model))
    assert not _equal(_state(sharp.model), _state(plain.model))
    assert sharp.losses[-1] < sharp.losses[0] / 2, sharp.losses


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("compile", [False, "eager"])
def test_precisions_and_compiled_models_train(bed, precision: str, compile: bool | str) -> None:
    model, loader = bed
    run = fit(model, CrossEntropy(), loader, epochs=2, optimizer=SGD, precision=precision, compile=compile, clip=1.0)
    assert run.losses[1] < run.losses[0], run.losses


def test_what_cannot_be_trained_is_said_before_the_first_step(bed, digits) -> None:
    model, loader = bed
    with pytest.raises(ValueError, match="float16 needs a CUDA device"):
        fit(model, CrossEntropy(), loader, precision="float16", device="cpu")
    with pytest.raises(ValueError, match="no batch"):
        fit(model, CrossEntropy(), [])
    with pytest.raises(ValueError, match="has no rows"):
        Batches(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="y has 2 rows, but inputs has 3"):
        Batches(np.zeros((3, 1)), [0, 1])
    frozen = MLP(64, 10).requires_grad_(False)
    with pytest.raises(ValueError, match="no trainable parameter"):
        fit(frozen, CrossEntropy(), loader)


def test_frozen_parameters_stay_frozen(bed) -> None:
    model, loader = bed
    model.body.requires_grad_(False)
    run = fit(model, CrossEntropy(), loader, epochs=1, optimizer=SGD)
    assert _equal(_state(model.body), _state(run.model.body))
    assert not _equal(_state(model.head), _state(run.model.head))


def test_a_data_loader_of_torch_works_and_is_deterministic(digits) -> None:
    X, y = digits
    data = torch.utils.data.TensorDataset(torch.from_numpy(X[:128]), torch.from_numpy(y[:128]))
    loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True)
    model = MLP(64, 10, width=8)
    one, two = (fit(model, CrossEntropy(), loader, epochs=2, optimizer=SGD, seed=4) for _ in range(2))
    assert _equal(_state(one.model), _state(two.model))


@pytest.mark.parametrize("norm", ["batch", "group", "layer"])
def test_reference_networks_take_images(norm: str) -> None:
    assert ResNet(3, 5, norm=norm)(torch.zeros(2, 3, 16, 16)).shape == (2, 5)


def test_the_other_reference_networks_learn(digits) -> None:
    X, y = digits
    adam = partial(torch.optim.AdamW, lr=3e-3)
    loader = Batches(X[:512], y[:512], batch_size=32, shuffle=True)
    vit = fit(TinyViT(1, 8, 10), CrossEntropy(), loader, epochs=6, optimizer=adam)
    assert vit.losses[-1] < vit.losses[0] / 2, vit.losses
    words = np.random.default_rng(0).integers(2, 30, size=(400, 12))
    has_one = (np.arange(400) % 2).astype(int)
    words[has_one == 1, np.random.default_rng(1).integers(0, 12, 200)] = 1
    text = fit(TextCNN(30, 2), CrossEntropy(), Batches(words, has_one, shuffle=True), epochs=8, optimizer=adam)
    assert text.losses[-1] < 0.2, text.losses


PROCESS = """
import sys, torch
from functools import partial
import numpy as np
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo")
from holdfast.nets import Batches, fit
from holdfast.nets.reference import MLP
from sklearn.datasets import load_digits
X, y = load_digits(return_X_y=True)
class CrossEntropy:
    def loss(self, model, inputs, y, **rest):
        return torch.nn.functional.cross_entropy(model(inputs), y)
torch.manual_seed(0)
model = MLP(64, 10, width=16)
run = fit(model, CrossEntropy(), Batches((X[:255] / 16).astype(np.float32), y[:255], batch_size=16, shuffle=True),
          epochs=3, optimizer=partial(torch.optim.SGD, lr=0.1, momentum=0.9), log="training")
np.savez(sys.argv[1] + f"/{torch.distributed.get_rank()}.npz", head=run.model.head.weight.detach().numpy(),
         logits=run.log.epoch_logits, y=run.log.y, losses=run.losses)
torch.distributed.destroy_process_group()
"""


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    script = tmp_path / "train.py"
    script.write_text(PROCESS)
    common = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen([sys.executable, str(script), str(tmp_path)], env={**common, "RANK": str(rank)}, stderr=-1)
        for rank in range(2)
    ]
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()[-2000:]
    one, two = (np.load(tmp_path / f"{rank}.npz") for rank in range(2))
    np.testing.assert_array_equal(one["head"], two["head"])
    np.testing.assert_array_equal(one["logits"], two["logits"])
    assert np.isfinite(one["logits"]).all() and (one["y"] >= 0).all(), "a row of the log is missing"
    assert one["losses"][-1] < one["losses"][0]
