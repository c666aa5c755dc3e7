"""Language models, tiny ones of the house or any causal one of Hugging Face's: token log-probabilities, greedy text."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from holdfast.nets.batches import Batches
from holdfast.nets.calling import device_of, evaluating, forward, seeded
from holdfast.nets.causal import CausalTransformer, NextToken
from holdfast.nets.states import open_state
from holdfast.nets.tokens import START, BytePairs
from holdfast.nets.training import Run, fit

FORMAT = "holdfast/language-model/1"
BATCH_NUMBERS = 1 << 24  # logits held together while reading


class TokenReadings(NamedTuple):
    """(n, t) of every token: NaN after a text's end.

    `log_probs` is the log-probability of the token; `means` and `spreads` are mean and standard deviation of the
    log-probability of a token drawn from the model there; `ranks` says how many tokens the model held more likely.
    """

    log_probs: np.ndarray
    means: np.ndarray
    spreads: np.ndarray
    ranks: np.ndarray


@dataclass(frozen=True)
class LanguageModel:
    """A causal network and how its codes are written and read.

    `start` is the code put before every text; None where there is none: the first token of a text is then not read.
    Texts longer than `context` are read in windows that overlap by half.
    """

    network: nn.Module
    encode: Callable[[str], list[int]]
    decode: Callable[[list[int]], str]
    context: int
    start: int | None = START

    def read(self, texts: Sequence[str]) -> TokenReadings:
        """Log-probabilities of all tokens of every text.

        Raises `ValueError` for a text without tokens and for a model that returns NaN or infinity.
        """
        codes = [self._codes(place, text) for place, text in enumerate(texts)]
        longest = max(len(one) for one in codes) - 1
        read = np.full((4, len(codes), longest), np.nan)
        with evaluating(self.network), torch.inference_mode():
            for windows in self._batches(codes):
                for (place, first, kept), values in zip(windows, self._read(codes, windows), strict=True):
                    end = first + self.context if first + self.context < len(codes[place]) else len(codes[place])
                    read[:, place, kept : end - 1] = values[:, kept - first : end - 1 - first]
        return TokenReadings(*read)

    def log_likelihood(self, texts: Sequence[str]) -> np.ndarray:
        """(n,) log-probability of every whole text."""
        return np.nansum(self.read(texts).log_probs, axis=1)

    def complete(self, prompts: Sequence[str], tokens: int) -> list[str]:
        """Greedy continuations of `tokens` tokens. Prompts are cut at the left to what fits the context."""
        return [self.decode(one) for one in self.continued([self.encode(prompt) for prompt in prompts], tokens)]

    def continued(self, codes: Sequence[list[int]], tokens: int) -> list[list[int]]:
        """The same for prompts given as codes, without the start code; codes come out."""
        if not 0 < tokens < self.context:
            raise ValueError(f"tokens is {tokens}; expected 1 to {self.context - 1}, within the model's context.")
        lead = [] if self.start is None else [self.start]
        room = self.context - tokens - len(lead)
        rows = [lead + list(one)[-room:] if room else lead for one in codes]
        if not all(rows):
            raise ValueError(f"prompts row {rows.index([])} is empty, and the model has no start code.")
        step = max(1, (1 << 16) // self.context)
        parts = (self._continue(rows[first : first + step], tokens) for first in range(0, len(rows), step))
        return [one for part in parts for one in part]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a model of the house to a `.safetensors` file that `open_language_model` reads."""
        from safetensors.torch import save_file

        tokens = getattr(self.encode, "__self__", None)
        if not isinstance(self.network, CausalTransformer) or not isinstance(tokens, BytePairs):
            raise ValueError(f"{type(self.network).__name__}: only a CausalTransformer with byte pairs is saved here.")
        path = Path(path)
        if path.suffix != ".safetensors":
            raise ValueError(f"{path}: expected a name that ends in .safetensors.")
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.part")
        described = {"format": FORMAT, "config": json.dumps(self.network.config), "tokens": tokens.to_json()}
        save_file(self.network.state_dict(), aside, metadata=described)
        os.replace(aside, path)
        return path

    def _codes(self, place: int, text: str) -> list[int]:
        codes = ([] if self.start is None else [self.start]) + self.encode(text)
        if len(codes) < 2:
            raise ValueError(f"texts row {place} is {text[:40]!r}: it has no token whose probability could be read.")
        return codes

    def _batches(self, codes: list[list[int]]) -> Iterator[list[tuple[int, int, int]]]:
        """Windows of about equal length: (text, where the window starts, the first reading that is kept)."""
        stride = self.context // 2
        windows = []
        for place, one in enumerate(codes):
            starts = range(0, max(len(one) - self.context, 0) + stride, stride) if len(one) > self.context else [0]
            windows += [(place, first, first and first + self.context - stride - 1) for first in starts]
        windows.sort(key=lambda window: min(len(codes[window[0]]) - window[1], self.context))
        step = max(1, BATCH_NUMBERS // (self.context * self._vocabulary()))
        for first in range(0, len(windows), step):
            yield windows[first : first + step]

    def _vocabulary(self) -> int:
        config = getattr(self.network, "config", None)
        known = config.get("vocabulary") if isinstance(config, dict) else getattr(config, "vocab_size", None)
        return int(known or 50_000)

    def _read(self, codes: list[list[int]], windows: list[tuple[int, int, int]]) -> Iterator[np.ndarray]:
        cut = [codes[place][first : first + self.context] for place, first, _ in windows]
        tokens = padded(cut).to(device_of(self.network))
        logits = forward(self.network, tokens[:, :-1]).float()
        log_probs = logits.log_softmax(dim=2)
        true = log_probs.gather(2, tokens[:, 1:, None])
        probs = log_probs.exp()
        means = (probs * log_probs).sum(dim=2)
        spreads = (probs * log_probs.square()).sum(dim=2).sub(means.square()).clamp(min=0).sqrt()
        ranks = (log_probs > true).sum(dim=2)
        parts = torch.stack([true[..., 0], means, spreads, ranks.float()]).cpu().double().numpy()
        for row, one in enumerate(cut):
            values = parts[:, row, : len(one) - 1]
            if not np.isfinite(values).all():
                raise ValueError(
                    f"the model returned {values[~np.isfinite(values)][0]} on texts row {windows[row][0]}: "
                    "are its weights whole, and is its precision enough?"
                )
            yield values

    @torch.inference_mode()
    def _continue(self, rows: list[list[int]], tokens: int) -> list[list[int]]:
        """Rows are padded at the right, which a causal model does not see, and each grows at its own end."""
        ends = torch.tensor([len(row) for row in rows])
        codes = padded([[*row, *[START] * tokens] for row in rows]).to(device_of(self.network))
        every = torch.arange(len(rows))
        with evaluating(self.network):
            for _ in range(tokens):
                logits = forward(self.network, codes[:, : int(ends.max())])
                codes[every, ends] = logits[every, ends - 1].argmax(dim=1)
                ends += 1
        return [codes[place, len(row) : len(row) + tokens].tolist() for place, row in enumerate(rows)]


def train_language_model(
    texts: Sequence[str], *, start: LanguageModel | None = None, tokens: BytePairs | None = None, merges: int = 256,
    width: int = 64, depth: int = 2, heads: int = 4, context: int = 128, epochs: int = 10, batch_size: int = 16,
    learning_rate: float = 1e-2, cycle: bool = True, seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[LanguageModel, Run]:  # fmt: skip
    """Train a tiny causal transformer on texts: the language model and the training run.

    Every text is a document of its own, cut into pieces that fit the context. Texts that stand in `texts` twice are
    learnt twice as often. The rate rises to `learning_rate` and falls again, or with `cycle=False` stays there. In one
    epoch, the order of the rows is that of `Batches(..., shuffle=True, seed=seed)`. A copy of the model `start` is
    trained further, with its tokens and sizes.
    """
    if start is None:
        tokens = tokens or BytePairs.learn(texts, merges)
        with seeded(seed):
            network: nn.Module = CausalTransformer(tokens.size, width, depth, heads, context)
        start = LanguageModel(network, tokens.encode, tokens.decode, context)
    room = start.context - 1
    lead = [] if start.start is None else [start.start]
    rows = [
        [*lead, *codes[first : first + room]]
        for codes in map(start.encode, texts)
        for first in range(0, len(codes), room)
    ]
    if not rows:
        raise ValueError("texts hold no token: expected at least one text that is not empty.")
    run = train_on_codes(
        start.network, rows, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, cycle=cycle, seed=seed,
        progress=progress,
    )  # fmt: skip
    return replace(start, network=run.model), run


def train_on_codes(
    network: nn.Module, rows: Sequence[Sequence[int]], *, epochs: int = 10, batch_size: int = 16,
    learning_rate: float = 1e-2, cycle: bool = True, seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Run:  # fmt: skip
    """The training of `train_language_model` on rows of codes, each with its start code, that fit the context."""
    batches = Batches(padded(rows), batch_size=batch_size, shuffle=True, seed=seed)
    return train_on_batches(
        network, batches, epochs=epochs, learning_rate=learning_rate, cycle=cycle, seed=seed, progress=progress
    )


def train_on_batches(
    network: nn.Module, batches: Iterable[dict[str, Any]], *, epochs: int = 1, learning_rate: float = 1e-2,
    cycle: bool = True, seed: int = 0, in_place: bool = False, progress: Callable[[str, int, int], None] | None = None,
) -> Run:  # fmt: skip
    """The same on batches whose `inputs` are rows of codes, in the order in which they come.

    With `in_place` the network itself is trained, so that what makes the batches can look at it between two of them.
    """
    return fit(
        network, NextToken(), batches, epochs=epochs, seed=seed, clip=1.0, in_place=in_place, progress=progress,
        optimizer=partial(torch.optim.AdamW, lr=learning_rate),
        schedule=partial(_one_cycle, learning_rate) if cycle else None,
    )  # fmt: skip


def _one_cycle(rate: float, optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps + 1)


def open_language_model(path: str | os.PathLike[str]) -> LanguageModel:
    """A language model on this machine: a file that `LanguageModel.save` wrote, or a Hugging Face folder.

    Nothing is ever downloaded, no code in the folder is run, and weights that are pickles are refused.
    """
    path = Path(path)
    if path.is_dir():
        return _hugging_face(path)
    state = open_state(path)
    described = _metadata(path)
    if described.get("format") != FORMAT:
        raise ValueError(f"{path}: not a language model of the house. Give the folder of a Hugging Face model instead.")
    network = CausalTransformer(**json.loads(described["config"]))
    network.load_state_dict(dict(state))
    tokens = BytePairs.from_json(described["tokens"])
    return LanguageModel(network.eval(), tokens.encode, tokens.decode, network.config["context"])


def _metadata(path: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        return dict(opened.metadata() or {})


def _hugging_face(path: Path) -> LanguageModel:
    if not (path / "config.json").exists():
        raise ValueError(f"{path} holds no config.json: expected the folder of a Hugging Face causal language model.")
    if not list(path.glob("*.safetensors")):
        raise ValueError(f"{path} holds no .safetensors. Pickled weights (.bin, .pt) run code when read: convert them.")
    try:
        import transformers
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{path}: reading a Hugging Face model needs transformers: pip install 'holdfast[language]'",
            name="transformers",
        ) from None
    given: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        network = transformers.AutoModelForCausalLM.from_pretrained(path, use_safetensors=True, **given)
        tokenizer = transformers.AutoTokenizer.from_pretrained(path, **given)
    except (OSError, ValueError, KeyError) as problem:
        raise ValueError(f"{path}: transformers cannot open it: {str(problem).splitlines()[0]}") from None
    config = network.config.get_text_config()
    limits = (getattr(config, "max_position_embeddings", None), tokenizer.model_max_length)
    context = min(int(limit) for limit in limits if limit and math.isfinite(limit) and limit < 1 << 24)
    return LanguageModel(
        network.eval(),
        lambda text: tokenizer.encode(text, add_special_tokens=False),
        lambda codes: str(tokenizer.decode(codes, skip_special_tokens=True)),
        min(context, 2048),
        tokenizer.bos_token_id,
    )


def padded(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """Rows of codes as one tensor, the shorter ones filled up with the start code, which is no target."""
    longest = max(map(len, rows))
    return torch.tensor([[*row] + [START] * (longest - len(row)) for row in rows])
