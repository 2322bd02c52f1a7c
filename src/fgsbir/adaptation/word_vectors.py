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
    wanted = {word for name in names for word in _words(name)}
    lines: dict[int, tuple[str, str]] = {}
    try:
        with path.open("rb") as file:  # gigabytes, of which a few lines are kept
            found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != sha256:
                raise DataError(f"{path}: expected sha256 {sha256}, found {found}")
            file.seek(0)
            for number, line in enumerate(file, 1):
                word, _, numbers = line.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
                if word in wanted:
                    lines[number] = word, numbers
    except FileNotFoundError:
        raise DataError(f"{path}: no such file of word vectors") from None
    vectors: dict[str, np.ndarray] = {}
    for number, (word, numbers) in lines.items():
        try:
            vector = np.array(numbers.split(), np.float32)
        except ValueError:
            raise DataError(f"{path}: line {number}: expected {word!r} and numbers, found {numbers[:60]!r}") from None
        if not len(vector) or not np.isfinite(vector).all() or len(vector) != len(next(iter(vectors.values()), vector)):
            raise DataError(f"{path}: line {number}: expected as many finite numbers as on the other lines")
        vectors[word] = vector
    missing = sorted(wanted - vectors.keys())
    if missing:
        raise DataError(f"{path}: no vector of {', '.join(missing)}")
    return np.stack([np.mean([vectors[word] for word in _words(name)], axis=0) for name in names])


def _words(name: str) -> list[str]:
    return name.lower().replace("_", " ").replace("-", " ").split()
