"""Word vectors of category names from a file of GloVe's form: a word and its numbers a line."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fgsbir.data.records import DataError


def read_word_vectors(path: Path, sha256: str, names: Sequence[str]) -> np.ndarray:
    """The vectors of ``names``, float32 (n, w); a name of several words, as watering_can, gets their mean. DataError
    for a file that is missing, has another hash, is not of that form, or lacks a word.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file of word vectors") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise DataError(f"{path}: expected sha256 {sha256}, found {found}")
    wanted = {word for name in names for word in _words(name)}
    vectors: dict[str, np.ndarray] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        word, _, numbers = line.partition(" ")
        if word not in wanted:
            continue
        try:
            vector = np.array(numbers.split(), np.float32)
        except ValueError:
            raise DataError(f"{path}: line {number}: expected {word!r} and numbers, found {line[:60]!r}") from None
        if not len(vector) or not np.isfinite(vector).all() or len(vector) != len(next(iter(vectors.values()), vector)):
            raise DataError(f"{path}: line {number}: expected as many finite numbers as on the other lines")
        vectors[word] = vector
    missing = sorted(wanted - vectors.keys())
    if missing:
        raise DataError(f"{path}: no vector of {', '.join(missing)}")
    return np.stack([np.mean([vectors[word] for word in _words(name)], axis=0) for name in names])


def _words(name: str) -> list[str]:
    return name.lower().replace("_", " ").replace("-", " ").split()
