#!/usr/bin/python3
"""Trains word2vec with gensim as w2v-train does it: skip-gram or CBOW, negative sampling. Answers analogies as embed does.

    w2v_gensim.py train TEXT EPOCHS [name=value...]               one sentence a line, words between blanks
    w2v_gensim.py analogies VECTORS QUESTIONS [most=N]            of word2vec's binary format, among the first N
    w2v_gensim.py --versions

The sentences are read into memory first, so that an epoch is training alone; tests/bench/run measures the whole program from
outside and takes the difference of two epoch counts."""
import sys

import gensim
from gensim.models import word2vec


def loaded_blas():
    """The BLAS libraries this process has loaded, by file name."""
    with open("/proc/self/maps") as maps:
        files = {line.split()[-1].rsplit("/", 1)[-1] for line in maps if "/" in line}
    return " ".join(sorted(f for f in files if f.startswith(("libopenblas", "libblas", "libmkl", "libatlas", "libdnnl"))))


def train(text, epochs, option):
    words = {}  # each word once in memory
    with open(text, encoding="utf-8", errors="replace") as lines:
        sentences = [[words.setdefault(word, word) for word in line.split()] for line in lines]
    word2vec.Word2Vec(
        sentences,
        sg=int(option.get("model", "skipgram") == "skipgram"),
        hs=0,
        vector_size=int(option.get("dim", 100)),
        window=int(option.get("window", 5)),
        negative=int(option.get("negative", 5)),
        sample=float(option.get("sample", 1e-4)),
        alpha=float(option.get("lr", 0.025)),
        min_count=int(option.get("min-count", 5)),
        epochs=epochs,
        workers=1,
        seed=int(option.get("seed", 1)),
    )


def analogies(vectors, questions, option):
    keyed = gensim.models.KeyedVectors.load_word2vec_format(vectors, binary=True)
    score, _ = keyed.evaluate_word_analogies(questions, restrict_vocab=int(option.get("most", 30000)), case_insensitive=False)
    print(f"{score:.4f}")


def main():
    if sys.argv[1] == "--versions":
        print(f"gensim {gensim.__version__}, fast version {word2vec.FAST_VERSION}, BLAS {loaded_blas()}")
        return
    option = dict(pair.split("=") for pair in sys.argv[4:])
    if sys.argv[1] == "train":
        train(sys.argv[2], int(sys.argv[3]), option)
    else:
        analogies(sys.argv[2], sys.argv[3], option)


main()
