"""The folder of pseudo pairs: what goes in comes out, and what is broken is told."""

import json
from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.records import DataError
from fgsbir.joint.pseudo_sketches import PseudoSketches, read_pseudo, write_pseudo


def drawn(number: int) -> np.ndarray:
    strokes = np.random.default_rng(number).uniform(0, 256, (3 + number, 3)).astype(np.float32)
    strokes[:, 2] = 0
    strokes[-1, 2] = 1
    return strokes


def some() -> PseudoSketches:
    return PseudoSketches(
        {"b/2": [drawn(0), drawn(1)], "a": [drawn(2)], "none": []},
        {"b/2": np.array([0.25, 1], np.float32), "a": np.array([0], np.float32), "none": np.zeros(0, np.float32)},
        edges=3,
    )


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    write_pseudo(tmp_path / "pseudo", some())
    found = read_pseudo(tmp_path / "pseudo")
    assert found.edges == 3
    assert found.strokes.keys() == found.certainty.keys() == some().strokes.keys()
    for name, sketches in some().strokes.items():
        assert len(found.strokes[name]) == len(sketches)
        assert all(np.array_equal(one, other) for one, other in zip(found.strokes[name], sketches, strict=True))
        assert np.array_equal(found.certainty[name], some().certainty[name])
        assert found.certainty[name].dtype == np.float32


def test_no_photo_at_all(tmp_path: Path) -> None:
    write_pseudo(tmp_path / "pseudo", PseudoSketches({}, {}))
    assert read_pseudo(tmp_path / "pseudo") == PseudoSketches({}, {})


def test_the_bytes_depend_on_the_content_alone(tmp_path: Path) -> None:
    pseudo = some()
    parts = (pseudo.strokes, pseudo.certainty)
    turned = PseudoSketches(*(dict(reversed(part.items())) for part in parts), edges=3)
    for name, value in (("one", pseudo), ("other", turned)):
        write_pseudo(tmp_path / name, value)
    for file in ("index.json", "pseudo.npz"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def break_index(folder: Path, change: object) -> None:
    (folder / "index.json").write_text(change if isinstance(change, str) else json.dumps(change))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("", "expected index.json and pseudo.npz"),
        ("[1, 2]", "expected index.json and pseudo.npz"),
        ({"format": 2}, "'edges'"),
        ({"format": 2, "edges": 0}, "'photos'"),
        ({"format": 2, "edges": 0, "photos": [{"id": "a"}]}, "'sketches'"),
        ({"format": 2, "edges": 0, "photos": 3}, "expected index.json and pseudo.npz"),
        ({"format": 1, "edges": 0, "photos": []}, "index.json: expected format 2, found 1"),
        ({"format": 2, "edges": -1, "photos": []}, "index.json: expected counts of edges and sketches that are not"),
        (
            {"format": 2, "edges": 0, "photos": [{"id": "a", "sketches": 4}, {"id": "b", "sketches": -1}]},
            "index.json: expected counts of edges and sketches that are not negative",
        ),
        (
            {"format": 2, "edges": 0, "photos": [{"id": "a", "sketches": 1}]},
            "index.json lists 1 sketches, pseudo.npz holds 3",
        ),
    ],
)
def test_a_malformed_index_is_told(tmp_path: Path, change: object, told: str) -> None:
    write_pseudo(tmp_path / "pseudo", some())
    break_index(tmp_path / "pseudo", change)
    with pytest.raises(DataError, match="pseudo") as error:
        read_pseudo(tmp_path / "pseudo")
    assert told in str(error.value)


@pytest.mark.parametrize("file", ["index.json", "pseudo.npz"])
def test_a_missing_file_is_told(tmp_path: Path, file: str) -> None:
    write_pseudo(tmp_path / "pseudo", some())
    (tmp_path / "pseudo" / file).unlink()
    with pytest.raises(DataError, match=f"{file}: no such file; expected the output of the stage pseudo"):
        read_pseudo(tmp_path / "pseudo")


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_truncated_array_is_told(tmp_path: Path, keep: float) -> None:
    write_pseudo(tmp_path / "pseudo", some())
    path = tmp_path / "pseudo" / "pseudo.npz"
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(DataError, match=r"expected index\.json and pseudo\.npz"):
        read_pseudo(tmp_path / "pseudo")


def test_arrays_that_need_unpickling_are_refused(tmp_path: Path) -> None:
    write_pseudo(tmp_path / "pseudo", some())
    np.savez(tmp_path / "pseudo" / "pseudo.npz", points=np.array([{}]), counts=np.ones(3))
    with pytest.raises(DataError, match="allow_pickle"):
        read_pseudo(tmp_path / "pseudo")


def test_an_error_leaves_the_old_folder(tmp_path: Path) -> None:
    write_pseudo(tmp_path / "pseudo", some())
    before = {path.name: path.read_bytes() for path in (tmp_path / "pseudo").iterdir()}
    broken = PseudoSketches({"a": [np.zeros((2, 2), np.float32)]}, {"a": np.zeros(1, np.float32)})
    with pytest.raises(ValueError, match="dimension"):
        write_pseudo(tmp_path / "pseudo", broken)
    assert {path.name: path.read_bytes() for path in (tmp_path / "pseudo").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["pseudo"]
