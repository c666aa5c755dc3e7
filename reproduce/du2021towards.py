"""Shortcut words in text: can they be told by the shortcut degree of a row, and does softening the teacher by it help?

Sentences of films, good or bad. A made word is put before seven in ten good ones and two in ten bad ones; in use it is
the other way round. Words are ranked by local mutual information with the label,

    LMI(w, y) = p(w, y) log(p(y | w) / p(y)),

and the first of them, for every label, are the head. The degree of a row is the mean of two numbers: whether the word
with the largest integrated gradient is of the head, and how alike (cosine, scaled to 0 to 1) the integrated gradients
of the network after one epoch and of the trained one are. The student learns from

    (1 - a) (label) + a (teacher's probabilities to the power of 1 - degree, made to sum to one),

beside plain training and a student whose rows all have the mean degree; and, on fewer seeds, all without the made word.
"""

from __future__ import annotations

import gzip
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from common import data, over_seeds, write
from sklearn.metrics import roc_auc_score
from torch.nn.functional import cross_entropy

from holdfast.nets import Batches, fit, predict
from holdfast.nets.calling import seeded
from holdfast.nets.objectives import CrossEntropy
from holdfast.nets.reference import TextCNN

SEEDS, SEEDS_WITHOUT, EPOCHS, ROWS, LENGTH = 5, 3, 8, 2500, 24
PADDING, RARE, MADE = 0, 1, 2  # codes that are no words of the sentences
WITH, WITHOUT = 0.7, 0.2  # shares of good and of bad sentences with the made word
HEAD = 0.05  # share of the words, by local mutual information
STEPS = 8  # of the path of integrated gradients
SHARE = 0.8  # of the teacher in what the student learns from


class Sentences(NamedTuple):
    """Codes of words, whether the sentence is good, and whether it has the made word."""

    codes: np.ndarray
    y: np.ndarray
    made: np.ndarray


class Distilled:
    """Cross-entropy to a mixture of the label and what the teacher says."""

    def loss(self, model: torch.nn.Module, inputs: Any, y: torch.Tensor, said: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        logits = model(inputs)
        return (1 - SHARE) * cross_entropy(logits, y) + SHARE * cross_entropy(logits, said)


def results() -> dict[str, Any]:
    """Every number with its 90 % interval over seeds."""
    read = sentences("train.tsv.gz"), sentences("dev.tsv.gz")
    found = {}
    for name, planted, seeds in (("with a made word", True, SEEDS), ("without", False, SEEDS_WITHOUT)):
        runs = [one(*read, seed, planted) for seed in range(seeds)]
        found[name] = {key: over_seeds([run[key] for run in runs]) for key in runs[0]}
    return found


def sentences(name: str) -> list[tuple[list[str], int]]:
    """Words and label of every row."""
    text = gzip.decompress(data("sst2", name).read_bytes()).decode()
    rows = [line.rsplit("\t", 1) for line in text.splitlines()]
    return [(words.split(), int(label)) for words, label in rows]


def one(train: Any, test: Any, seed: int, planted: bool) -> dict[str, float]:
    """One draw of rows: what degrees tell, and accuracies in the training's own distribution and in use."""
    rng = np.random.default_rng(seed)
    chosen = [train[row] for row in rng.permutation(len(train))[:ROWS]]
    words, counts = np.unique([word for row, _ in chosen for word in row], return_counts=True)
    known = {word: code for code, word in enumerate(words[counts >= 3], start=MADE + 1)}
    rates = (WITHOUT, WITH) if planted else (0.0, 0.0)
    seen = coded(chosen, known, rates, rng)
    same, turned = coded(test, known, rates, rng), coded(test, known, rates[::-1], rng)
    with seeded(seed):
        start = TextCNN(len(known) + MADE + 1, 2, width=16)
    loader = partial(Batches, seen.codes, seen.y, shuffle=True, seed=seed)
    early, teacher = (trained(start, CrossEntropy(), loader(), epochs, seed) for epochs in (1, EPOCHS))
    degree = degrees(early, teacher, seen, len(known) + MADE + 1)
    logits = torch.from_numpy(predict(teacher, Batches(seen.codes, batch_size=4096)))
    softened = {"by degree": degree, "all alike": np.full(ROWS, degree.mean())}
    models = {"plain": teacher}
    for name, amount in softened.items():
        left = torch.from_numpy(1 - amount).float()[:, None]
        said = (left * logits.log_softmax(dim=1)).softmax(dim=1)  # p ** (1 - degree), made to sum to one
        models[name] = trained(start, Distilled(), loader(said=said), EPOCHS, seed)
    found = {f"in use, {name}": accuracy(model, turned) for name, model in models.items()}
    found |= {f"as in training, {name}": accuracy(model, same) for name, model in models.items()}
    found["in use, gain by degree"] = found["in use, by degree"] - found["in use, plain"]
    found["in use, gain by degree over all alike"] = found["in use, by degree"] - found["in use, all alike"]
    found["as in training, gain by degree"] = found["as in training, by degree"] - found["as in training, plain"]
    if planted:
        good = seen.y == 1
        found["AUROC of the degree, rows with the made word among good ones"] = float(
            roc_auc_score(seen.made[good], degree[good])
        )
    return found


def coded(rows: Any, known: dict[str, int], rates: tuple[float, float], rng: np.random.Generator) -> Sentences:
    """Codes with the made word in front, at the rate of the label."""
    y = np.array([label for _, label in rows])
    made = rng.random(len(y)) < np.array(rates)[y]
    codes = np.zeros((len(y), LENGTH), dtype=np.int64)
    for place, (words, _) in enumerate(rows):
        line = [MADE] * int(made[place]) + [known.get(word, RARE) for word in words]
        codes[place, : min(len(line), LENGTH)] = line[:LENGTH]
    return Sentences(codes, y, made)


def trained(start: torch.nn.Module, loss: Any, loader: Batches, epochs: int, seed: int) -> torch.nn.Module:
    """A copy, trained."""
    adam = partial(torch.optim.AdamW, lr=3e-3)
    return fit(start, loss, loader, epochs=epochs, optimizer=adam, seed=seed, device="cpu").model


def degrees(early: torch.nn.Module, late: torch.nn.Module, seen: Sentences, vocabulary: int) -> np.ndarray:
    """(n,) shortcut degree between 0 and 1."""
    before, after = (integrated_gradients(model, seen) for model in (early, late))
    strongest = seen.codes[np.arange(len(seen.y)), after.argmax(axis=1)]
    of_head = head(seen, vocabulary)[strongest, seen.y]
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    alike = (before * after).sum(axis=1) / np.maximum(lengths, 1e-12)
    alike = (alike - alike.min()) / (alike.max() - alike.min())
    return (of_head + alike) / 2


def head(seen: Sentences, vocabulary: int) -> np.ndarray:
    """(words, labels) whether a word is of the head of a label, by local mutual information."""
    has = np.zeros((len(seen.y), vocabulary), dtype=bool)
    has[np.arange(len(seen.y))[:, None], seen.codes] = True
    has[:, [PADDING, RARE]] = False
    joint = np.stack([(has & (seen.y == label)[:, None]).mean(axis=0) for label in (0, 1)], axis=1)
    share = np.bincount(seen.y, minlength=2) / len(seen.y)
    given = joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-12)
    information = joint * np.log(np.maximum(given, 1e-12) / share)
    least = np.sort(information, axis=0)[-round(HEAD * vocabulary)]
    return information >= least


def integrated_gradients(model: Any, seen: Sentences) -> np.ndarray:
    """(n, length) attribution of the own label's probability to every word, from the embedding of nothing."""
    codes, y = torch.from_numpy(seen.codes), torch.from_numpy(seen.y)
    embedded = model.embedding(codes).detach()
    total = torch.zeros_like(embedded)
    for step in range(STEPS):
        point = ((step + 0.5) / STEPS * embedded).requires_grad_(True)
        maps = [torch.relu(layer(point.transpose(1, 2))).amax(2) for layer in model.convolutions]
        own = model.head(torch.cat(maps, dim=1)).softmax(dim=1).gather(1, y[:, None]).sum()
        total += torch.autograd.grad(own, point)[0] / STEPS
    return (total * embedded).sum(dim=2).numpy()


def accuracy(model: torch.nn.Module, rows: Sentences) -> float:
    """Share of rows that are right."""
    return float((predict(model, Batches(rows.codes, batch_size=4096)).argmax(axis=1) == rows.y).mean())


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(__file__, results)
