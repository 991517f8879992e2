#!/usr/bin/python3
"""Trains a character model with PyTorch as rnn-train does it: one-hot characters, stacked LSTM layers, truncated
back-propagation through time with the state carried on, norm clipping, RMSprop.

    lstm_torch.py TEXT EPOCHS [name=value...]     prints the training loss of the last epoch in nats a character
    lstm_torch.py --versions

tests/bench/run measures the whole program from outside and takes the difference of two epoch counts."""
import math
import sys

import torch
from torch import nn


def loaded_blas():
    """The BLAS libraries this process has loaded, by file name."""
    with open("/proc/self/maps") as maps:
        files = {line.split()[-1].rsplit("/", 1)[-1] for line in maps if "/" in line}
    return " ".join(sorted(f for f in files if f.startswith(("libopenblas", "libblas", "libmkl", "libatlas", "libdnnl"))))


class CharacterModel(nn.Module):
    def __init__(self, vocabulary, hidden, layers):
        super().__init__()
        self.vocabulary = vocabulary
        self.rnn = nn.LSTM(vocabulary, hidden, layers)
        self.out = nn.Linear(hidden, vocabulary)

    def forward(self, ids, state):
        one_hot = nn.functional.one_hot(ids, self.vocabulary).float()
        hidden, state = self.rnn(one_hot, state)
        return self.out(hidden), state


def columns(ids, batch):
    """The text as `batch` columns of equal length, [steps, batch], and the same one character on."""
    length = (len(ids) - 1) // batch
    inputs = ids[: length * batch].view(batch, length).t().contiguous()
    targets = ids[1 : length * batch + 1].view(batch, length).t().contiguous()
    return inputs, targets


def epoch(model, optimizer, inputs, targets, steps, clip):
    """One pass over the text; returns the mean loss in nats a character."""
    state, total = None, 0.0
    for first in range(0, len(inputs) - steps + 1, steps):
        x, y = inputs[first : first + steps], targets[first : first + steps]
        if state is not None:
            state = tuple(s.detach() for s in state)
        optimizer.zero_grad(set_to_none=True)
        logits, state = model(x, state)
        loss = nn.functional.cross_entropy(logits.view(-1, model.vocabulary), y.reshape(-1), reduction="sum")
        (loss / x.shape[1]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        total += loss.item()
    return total / (len(inputs) // steps * steps * inputs.shape[1])


def main():
    torch.set_num_threads(1)
    if sys.argv[1] == "--versions":
        torch.ones(64, 64) @ torch.ones(64, 64)
        print(f"PyTorch {torch.__version__}, BLAS {loaded_blas()}")
        return
    option = {"hidden": 128, "layers": 2, "batch": 50, "bptt": 50, "lr": 2e-3, "clip": 5.0, "seed": 1}
    option.update((name, float(value)) for name, value in (pair.split("=") for pair in sys.argv[3:]))
    torch.manual_seed(int(option["seed"]))
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    alphabet = {character: i for i, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([alphabet[character] for character in text])
    inputs, targets = columns(ids, int(option["batch"]))

    model = CharacterModel(len(alphabet), int(option["hidden"]), int(option["layers"]))
    with torch.no_grad():
        for parameter in model.parameters():
            nn.init.uniform_(parameter, -0.08, 0.08)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=option["lr"], alpha=0.95)
    loss = math.nan
    for _ in range(int(sys.argv[2])):
        loss = epoch(model, optimizer, inputs, targets, int(option["bptt"]), option["clip"])
    print(f"{loss:.4f}")


main()
