#!/usr/bin/python3
"""Trains a language model with PyTorch as rnn-train does it: characters (one-hot) or words (vectors that are learned),
stacked recurrent layers, truncated back-propagation through time with the state carried on, norm clipping.

    rnn_torch.py train TEXT EPOCHS [name=value...]      prints the training loss of the last epoch in nats a token
    rnn_torch.py generate TEXT TOKENS [name=value...]   draws so many tokens, one at a time, from a fresh model
    rnn_torch.py --versions

    cell=lstm|gru|elman hidden= layers= batch= bptt= lr= clip= optimizer=rmsprop|sgd words=0|1 threads= seed=

With words=1 tokens are what white space separates, and the end of a line is one.
tests/bench/run measures the whole program from outside and takes the difference of two counts."""
import math
import sys

import torch
from torch import nn

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN}


def loaded_blas():
    """The BLAS libraries this process has loaded, by file name."""
    with open("/proc/self/maps") as maps:
        files = {line.split()[-1].rsplit("/", 1)[-1] for line in maps if "/" in line}
    return " ".join(sorted(f for f in files if f.startswith(("libopenblas", "libblas", "libmkl", "libatlas", "libdnnl"))))


class LanguageModel(nn.Module):
    def __init__(self, vocabulary, option):
        super().__init__()
        self.vocabulary = vocabulary
        hidden = int(option["hidden"])
        self.embedding = nn.Embedding(vocabulary, hidden) if int(option["words"]) else None
        self.rnn = CELLS[option["cell"]](hidden if self.embedding else vocabulary, hidden, int(option["layers"]))
        self.out = nn.Linear(hidden, vocabulary)

    def forward(self, ids, state):
        x = self.embedding(ids) if self.embedding else nn.functional.one_hot(ids, self.vocabulary).float()
        hidden, state = self.rnn(x, state)
        return self.out(hidden), state


def detached(state):
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def columns(ids, batch):
    """The text as `batch` columns of equal length, [steps, batch], and the same one token on."""
    length = (len(ids) - 1) // batch
    inputs = ids[: length * batch].view(batch, length).t().contiguous()
    targets = ids[1 : length * batch + 1].view(batch, length).t().contiguous()
    return inputs, targets


def epoch(model, optimizer, inputs, targets, steps, clip):
    """One pass over the text; returns the mean loss in nats a token."""
    state, total = None, 0.0
    for first in range(0, len(inputs) - steps + 1, steps):
        x, y = inputs[first : first + steps], targets[first : first + steps]
        if state is not None:
            state = detached(state)
        optimizer.zero_grad(set_to_none=True)
        logits, state = model(x, state)
        loss = nn.functional.cross_entropy(logits.view(-1, model.vocabulary), y.reshape(-1), reduction="sum")
        (loss / x.shape[1]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        total += loss.item()
    return total / (len(inputs) // steps * steps * inputs.shape[1])


def read_ids(path, words):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if words:
        tokens = [word for line in text.splitlines() for word in line.split() + ["\n"]]
    else:
        tokens = text
    alphabet = {token: i for i, token in enumerate(sorted(set(tokens)))}
    return torch.tensor([alphabet[token] for token in tokens]), len(alphabet)


def train(model, ids, epochs, option):
    inputs, targets = columns(ids, int(option["batch"]))
    if option["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(model.parameters(), lr=float(option["lr"]))
    else:
        optimizer = torch.optim.RMSprop(model.parameters(), lr=float(option["lr"]), alpha=0.95)
    loss = math.nan
    for _ in range(epochs):
        loss = epoch(model, optimizer, inputs, targets, int(option["bptt"]), float(option["clip"]))
    print(f"{loss:.4f}")


@torch.no_grad()
def generate(model, ids, tokens):
    token, state = ids[:1].view(1, 1), None
    for _ in range(tokens):
        logits, state = model(token, state)
        token = torch.multinomial(torch.softmax(logits.view(-1), 0), 1).view(1, 1)
    print(token.item())


def main():
    option = {"cell": "lstm", "hidden": 128, "layers": 2, "batch": 50, "bptt": 50, "lr": 2e-3, "clip": 5.0, "seed": 1,
              "optimizer": "rmsprop", "words": 0, "threads": 1}
    option.update(pair.split("=") for pair in sys.argv[4:])
    torch.set_num_threads(int(option["threads"]))
    if sys.argv[1] == "--versions":
        torch.ones(64, 64) @ torch.ones(64, 64)
        print(f"PyTorch {torch.__version__}, BLAS {loaded_blas()}")
        return
    torch.manual_seed(int(option["seed"]))
    ids, vocabulary = read_ids(sys.argv[2], int(option["words"]))
    model = LanguageModel(vocabulary, option)
    with torch.no_grad():
        for parameter in model.parameters():
            nn.init.uniform_(parameter, -0.08, 0.08)
    if sys.argv[1] == "train":
        train(model, ids, int(sys.argv[3]), option)
    else:
        generate(model, ids, int(sys.argv[3]))


main()
