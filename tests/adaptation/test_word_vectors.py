"""Word vectors: read by name, and an error for every file that cannot say what a category's name means."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from fgsbir.adaptation.word_vectors import read_word_vectors
from fgsbir.data.records import DataError


def write(path: Path, text: str) -> tuple[Path, str]:
    path.write_text(text)
    return path, hashlib.sha256(text.encode()).hexdigest()


def test_a_name_of_two_words_gets_their_mean(tmp_path: Path) -> None:
    file = write(tmp_path / "glove.txt", "the 0 0\nclock 1 2\nwatering 2 4\ncan 4 0\n")
    expected = [[3, 2], [1, 2]]
    np.testing.assert_array_equal(read_word_vectors(*file, ["Watering_can", "clock"]), np.array(expected, np.float32))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clock 1 2\n", r"no vector of lamp"),
        ("clock 1 2\nlamp 1 x\n", r"line 2: expected 'lamp' and numbers"),
        ("clock 1 2\nlamp 1\n", r"line 2: expected as many finite numbers"),
        ("clock 1 2\nlamp 1 nan\n", r"line 2: expected as many finite numbers"),
        ("clock\nlamp 1 2\n", r"line 1: expected as many finite numbers"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    path, sha256 = write(tmp_path / "glove.txt", text)
    for file, digest, said in ((path, sha256, message), (path, "0" * 64, "sha256 0000"), (tmp_path, sha256, "no such")):
        with pytest.raises(DataError, match=said):
            read_word_vectors(file if file.is_file() else file / "none.txt", digest, ["clock", "lamp"])
