import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fgsbir.data.index import Index, PhotoEntry, SketchEntry, make_index
from fgsbir.data.records import DataError, Split
from fgsbir.data.selection import sample, stable_fraction, training_split, unlabelled_subset


def entry(
    id: str, split: Split, unseen_sketches: list[bool], category: str = "chair", unseen: bool = False
) -> PhotoEntry:
    sketches = tuple(SketchEntry(f"{id}_{k}", "u", value, 5) for k, value in enumerate(unseen_sketches))
    strokes = (512, 100) if sketches else None
    return PhotoEntry(id, id, category, split, unseen, f"{split}-00000.tar", (0, 10), strokes, sketches)


def index(photos: list[PhotoEntry], category: str | None = "chair") -> Index:
    return make_index(name="toy", layout="folder", category=category, shards=[], photos=photos)


def labelled_photos(number: int) -> list[PhotoEntry]:
    return [entry(f"p{i}", "train", [False]) for i in range(number)]


def ids(photos: list[PhotoEntry]) -> list[str]:
    return [photo.id for photo in photos]


def test_stable_fraction_is_even_and_keeps_its_published_values() -> None:
    # A change here would silently change every subset of every run.
    assert stable_fraction("labelled", "finbo_10") == 0.57842118611855
    assert stable_fraction("unlabelled", "finbo_10") == 0.8821034390581769
    values = np.sort([stable_fraction("labelled", f"photo-{i}") for i in range(4000)])
    # Kolmogorov-Smirnov distance from the uniform distribution; 1.95 / sqrt(n) is its 0.1 % point.
    assert np.abs(values - np.arange(4000) / 4000).max() < 1.95 / np.sqrt(4000)


@given(st.floats(0, 1), st.floats(0, 1))
def test_subsets_nest(a: float, b: float) -> None:
    low, high = sorted((a, b))
    photos = labelled_photos(60)
    few, many = (training_split(index(photos), fraction) for fraction in (low, high))
    assert set(ids(unlabelled_subset(photos, low))) <= set(ids(unlabelled_subset(photos, high)))
    assert set(ids(few.labelled)) <= set(ids(many.labelled))
    assert set(ids(few.unlabelled)) >= set(ids(many.unlabelled))


def test_the_two_fractions_are_independent() -> None:
    split = training_split(index(labelled_photos(4000)), 0.4)
    assert len(split.labelled) + len(split.unlabelled) == 4000
    chosen = unlabelled_subset(split.unlabelled, 0.25)
    # With one hash for both, the moved photos (hash >= 0.4) would hold none below 0.25.
    assert len(chosen) == pytest.approx(0.25 * len(split.unlabelled), rel=0.15)


def test_a_sample_is_as_large_as_asked_nests_and_does_not_depend_on_the_unlabelled_fraction() -> None:
    photos = labelled_photos(4000)
    few, many = sample(photos, 500), sample(photos, 1000)
    assert (len(few), len(many)) == (500, 1000) and set(ids(few)) < set(ids(many))
    assert ids(many) == [photo.id for photo in photos if photo in many]
    assert sample(photos, 4000) == photos
    assert len(unlabelled_subset(many, 0.25)) == pytest.approx(250, rel=0.15)


def test_every_kind_of_photo_goes_where_it_belongs() -> None:
    photos = [
        entry("b-own", "train", [False, True]),
        entry("a-own", "train", [False]),
        entry("only-unseen-users", "train", [True, True]),
        entry("free", "unlabelled", []),
        entry("checked", "val", [False]),
        entry("asked", "test", [True]),
        entry("lamp-own", "train", [False], category="lamp"),
        entry("lamp-free", "unlabelled", [], category="lamp"),
        *(entry(f"unseen-{split}", split, [True], "boat", True) for split in ("train", "val", "test")),
        entry("unseen-unlabelled", "unlabelled", [], "boat", True),
    ]
    split = training_split(index(photos), 1.0)
    lists = (split.labelled, split.unlabelled, split.validation, split.test)
    assert list(map(ids, lists)) == [["a-own", "b-own"], ["free"], ["checked"], ["asked"]]

    moved = training_split(index(photos), 0.0)
    assert moved.labelled == [] and ids(moved.unlabelled) == ["a-own", "b-own", "free"]

    everything = training_split(index(photos, None), 1.0)
    assert ids(everything.labelled) == ["a-own", "b-own", "lamp-own"]
    assert ids(everything.unlabelled) == ["free", "lamp-free"]
    assert not any(photo.unseen for photo in training_split(index(photos, None), 0.0).unlabelled)

    with pytest.raises(DataError, match="'boat' is marked unseen"):
        training_split(index(photos, "boat"), 1.0)
