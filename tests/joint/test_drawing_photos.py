"""The stage pseudo's drawings: by whom, of what, resumed part by part; and sketches given in a file."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fgsbir.data.records import DataError
from fgsbir.data.strokes import mirrored
from fgsbir.joint import drawing
from fgsbir.joint.drawing import as_given, by_generator, draw_photos, partners, read_given
from fgsbir.joint.pseudo_sketches import PseudoSketches
from tests.joint.toy_joint import generator, reader
from tests.toy import Toy, shape


def draw(toy: Toy, scratch: Path) -> PseudoSketches:
    entries = toy.split.unlabelled
    photos, others = toy.pictures.photos(entries, "map"), partners(np.zeros(5, np.int64))
    numbers: dict[str, Any] = {"samples": 3, "temperature": 0.5, "seed": 0, "compute": toy.compute}
    by_g = by_generator(generator(), photos, others, "another", **numbers)
    given = as_given([[shape(row)] * (row % 3) for row in range(5)], "edges")
    return draw_photos([entry.id for entry in entries], [given, by_g], reader(toy), maps=False, scratch=scratch)


def test_every_photo_is_drawn_and_what_was_drawn_is_read(toy: Toy, tmp_path: Path) -> None:
    stored = draw(toy, tmp_path)
    assert stored.photo_ids == [entry.id for entry in toy.split.unlabelled]
    assert np.bincount(stored.photo).tolist() == [3, 5, 7, 3, 5]
    of_second = np.flatnonzero(stored.photo == 1)
    assert stored.form[of_second].tolist() == [0, 1, 0, 1, 0]
    assert np.array_equal(stored.strokes[of_second[0]], shape(1))
    assert np.array_equal(stored.strokes[of_second[1]], mirrored(shape(1)))
    np.testing.assert_allclose(stored.taps, reader(toy).sketches(stored.strokes).taps.numpy(), rtol=2e-3, atol=2e-3)
    # G draws anew each time, dots apart, with which an untrained one often ends.
    drawn = [stored.strokes[row].tobytes() for row in np.flatnonzero(stored.of_source("another"))]
    assert len(drawn) == 15 and len(set(drawn)) > 5


def test_a_part_that_is_whole_is_not_drawn_again(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "PART", 2)
    whole = draw(toy, tmp_path / "whole")
    parts = sorted((tmp_path / "whole").iterdir())
    assert len(parts) == 3
    (tmp_path / "broken").mkdir()
    parts[1].rename(tmp_path / "broken" / parts[1].name)
    again = draw(toy, tmp_path / "broken")
    assert np.array_equal(again.taps, whole.taps) and again.photo.tolist() == whole.photo.tolist()


def test_partners_are_of_the_category() -> None:
    assert partners(np.array([1, 0, 1, 0, 1, 2])).tolist() == [2, 3, 4, 1, 0, 5]


LINE = '{"photo": "a", "strokes": [[[0, 0], [10, 20]], [[5, 5], [6, 6]]]}\n'


def test_given_sketches_are_read_by_photo_and_centred(tmp_path: Path) -> None:
    path = tmp_path / "given.ndjson"
    path.write_text(LINE * 2)
    found = read_given(path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert list(found) == ["a"] and len(found["a"]) == 2
    assert found["a"][0].shape == (4, 3) and np.ptp(found["a"][0][:, 1]) == pytest.approx(190)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no such file; expected sketches of the unlabelled photos"),
        ("altered", "expected sha256 0"),
        *((LINE + text, "line 2") for text in ("{", "[]", '{"photo": "a"}', '{"photo": "a", "strokes": [[[1]]]}')),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, text: str | None, told: str) -> None:
    path, sha256 = tmp_path / "given.ndjson", "0" * 64
    if text is not None:
        path.write_text(text)
        sha256 = hashlib.sha256(text.encode()).hexdigest() if text != "altered" else sha256
    with pytest.raises(DataError, match=rf"given\.ndjson: {told}"):
        read_given(path, sha256)
