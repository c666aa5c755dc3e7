"""Tiny language models: reading, windows, greedy text, saving; Hugging Face models from a folder on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="language models need torch")

from holdfast import nets  # noqa: E402
from holdfast.nets.language_model import LanguageModel  # noqa: E402

TEXTS = ["the cat sat on the mat", "a dog ran over the hill and back", "the cat ran over the mat", "dogs sat and sat"]


@pytest.fixture(scope="module")
def trained() -> LanguageModel:
    model, run = nets.train_language_model(
        TEXTS * 10, merges=40, width=32, depth=1, context=24, epochs=8, learning_rate=2e-2, seed=1
    )
    assert run.losses[-1] < 0.5 * run.losses[0]
    return model


def test_readings_are_the_networks_own_log_probabilities(trained: LanguageModel) -> None:
    read = trained.read([TEXTS[0]])
    codes = torch.tensor([[0, *trained.encode(TEXTS[0])]])
    with torch.no_grad():
        log_probs = trained.network(codes[:, :-1]).log_softmax(dim=2)[0]
    assert np.allclose(read.log_probs[0], log_probs[range(codes.shape[1] - 1), codes[0, 1:]], atol=1e-5)
    probs = log_probs.exp()
    assert np.allclose(read.means[0], (probs * log_probs).sum(dim=1), atol=1e-5)
    spread = ((log_probs - (probs * log_probs).sum(dim=1, keepdim=True)) ** 2 * probs).sum(dim=1).sqrt()
    assert np.allclose(read.spreads[0], spread, atol=1e-3)
    assert ((read.ranks[0] == 0) == (log_probs.argmax(dim=1) == codes[0, 1:]).numpy()).all()


def test_what_stands_beside_a_text_does_not_change_its_reading(trained: LanguageModel) -> None:
    together = trained.read(TEXTS).log_probs
    for row, text in enumerate(TEXTS):
        alone = trained.read([text]).log_probs[0]
        assert (
            np.allclose(together[row, : len(alone)], alone, atol=1e-5) and np.isnan(together[row, len(alone) :]).all()
        )


def test_long_texts_are_read_in_windows_with_at_least_half_the_context(trained: LanguageModel) -> None:
    text = " ".join(TEXTS * 3)
    codes = [0, *trained.encode(text)]
    read = trained.read([text, TEXTS[0]]).log_probs[0]
    assert len(codes) > 2 * trained.context and len(read) == len(codes) - 1 and np.isfinite(read).all()
    for place in (trained.context + 1, len(codes) - 1):
        best = []
        for start in range(max(0, place - trained.context + 1), place - trained.context // 2 + 2):
            window = torch.tensor([codes[start:place]])
            with torch.no_grad():
                best.append(float(trained.network(window)[0, -1].log_softmax(dim=0)[codes[place]]))
        assert np.min(np.abs(np.array(best) - read[place - 1])) < 1e-5, "no window of half the context or more gives it"


def test_greedy_text_recalls_what_was_learnt(trained: LanguageModel) -> None:
    assert trained.complete(["a dog ran", "the cat sat"], 9)[0].startswith(" over the hill")
    with pytest.raises(ValueError, match="expected 1 to 23"):
        trained.complete(["a"], 24)


def test_saved_and_opened_is_the_same_model(trained: LanguageModel, tmp_path: Path) -> None:
    opened = nets.open_language_model(trained.save(tmp_path / "tiny.safetensors"))
    assert np.array_equal(opened.read(TEXTS).log_probs, trained.read(TEXTS).log_probs, equal_nan=True)
    assert not list(tmp_path.glob(".*.part"))


def test_training_is_repeatable_and_goes_on(trained: LanguageModel) -> None:
    settings = {"merges": 10, "width": 16, "depth": 1, "context": 16, "epochs": 1, "seed": 3}
    one, other = (nets.train_language_model(TEXTS, **settings)[0] for _ in range(2))
    assert np.array_equal(one.log_likelihood(TEXTS), other.log_likelihood(TEXTS))
    before = trained.log_likelihood(TEXTS)
    tuned, _ = nets.train_language_model(["zebra zebra"] * 8, start=trained, epochs=1)
    assert np.array_equal(trained.log_likelihood(TEXTS), before), "the model that was given moved"
    assert not np.array_equal(tuned.log_likelihood(TEXTS), before)


def test_errors_say_which_text_and_why(trained: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="texts row 1 is ''"):
        trained.read(["fine", ""])
    broken = nets.open_language_model(trained.save(tmp_path / "broken.safetensors"))
    with torch.no_grad():
        broken.network.position[0, 0] = float("nan")
    with pytest.raises(ValueError, match="returned nan on texts row"):
        broken.read(TEXTS)
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "broken.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"not looked at")
    with pytest.raises(ValueError, match="run code when read"):
        nets.open_language_model(tmp_path)
    with pytest.raises(ValueError, match=r"no config\.json"):
        nets.open_language_model(tmp_path.parent)


def test_a_hugging_face_model_is_read_from_its_folder(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="needs the extra language")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = {letter: code for code, letter in enumerate(["<s>", *sorted(set("".join(TEXTS)))])}
    tokenizer = Tokenizer(models.BPE(vocab=letters, merges=[], unk_token="<s>"))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Split("", "isolated"), decoders.Fuse()
    config = transformers.GPT2Config(
        vocab_size=len(letters), n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    network = transformers.GPT2LMHeadModel(config).eval()
    network.save_pretrained(tmp_path)
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>").save_pretrained(tmp_path)
    model = nets.open_language_model(tmp_path)
    codes = torch.tensor([[0, *(letters[letter] for letter in "the cat sat")]])
    with torch.no_grad():
        log_probs = network(codes).logits.log_softmax(dim=2)[0]
    expected = log_probs[range(codes.shape[1] - 1), codes[0, 1:]]
    assert model.context == 16 and np.allclose(model.read(["the cat sat"]).log_probs[0], expected, atol=1e-4)
    assert np.isfinite(model.read([TEXTS[1]]).log_probs).all(), "longer than its positions: in windows"
    assert len(model.complete(["the"], 5)[0]) >= 1
