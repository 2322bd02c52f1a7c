"""Batches depend on their step alone, and no set of pairs reads more than it may."""

import threading
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from fgsbir.data.pairs import (
    PairBatch,
    PairSet,
    PairStream,
    PhotoPixels,
    at_size,
    labelled_pairs,
    photo_set,
    prefetch,
    sketch_only_pairs,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from fgsbir.data.augmentation import Changes, change_sketches_jointly
from fgsbir.data.index import PhotoEntry
from fgsbir.data.photos import decode_photo
from fgsbir.data.rasterise import rasterise
from fgsbir.data.records import DataError
from fgsbir.data.selection import training_split
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import centre

MakeStore = Callable[..., ShardStore]
SIZE = 16


def pairs_of(photos: int, sketches: int = 3) -> PairSet:
    """Photos of one colour each, with as many different sketches."""
    drawn = [
        [np.array([[10 * row, 5, 0], [60 + k, 90, 0], [20, 200 - k, 1]], np.float32) for k in range(sketches)]
        for row in range(photos)
    ]
    colours = np.arange(photos, dtype=np.uint8)[:, None, None, None]
    return PairSet(
        photo_ids=[f"photo-{row}" for row in range(photos)],
        categories=np.arange(photos, dtype=np.int64) % 2,
        pixels=np.broadcast_to(colours, (photos, SIZE, SIZE, 3)).copy(),
        sketches=drawn,
    )


def stream_of(photos: int, batch_size: int, **changes: object) -> PairStream:
    return replace(
        PairStream(pairs_of(photos), batch_size=batch_size, seed=3, salt=1, strength=1.0, line_width=3.0),
        **changes,  # type: ignore[arg-type]
    )


def equal(one: PairBatch, other: PairBatch) -> bool:
    arrays = ("photos", "rows", "choices", "categories")
    return (
        all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
        and all(np.array_equal(a, b) for a, b in zip(one.strokes, other.strokes, strict=True))
        and torch.equal(torch.cat(one.images(CPU)), torch.cat(other.images(CPU)))
    )


CPU = torch.device("cpu")


def test_a_batch_is_a_function_of_its_step() -> None:
    stream = stream_of(7, 4)
    first = [stream.batch(step) for step in range(5)]
    again = stream_of(7, 4)
    for step in (3, 0, 4, 3):
        assert equal(again.batch(step), first[step])
    assert not equal(first[0], first[1])


@pytest.mark.parametrize("change", [{"seed": 4}, {"salt": 2}])
def test_seed_and_salt_change_the_batches(change: dict[str, int]) -> None:
    stream, other = stream_of(40, 16), stream_of(40, 16, **change)
    assert stream.rows(0).tolist() != other.rows(0).tolist()
    # The augmentation is another one too, and not the same one of other photos.
    colours = [{tuple(row) for row in one.batch(0).changes.colour} for one in (stream, other)]
    assert not colours[0] & colours[1]


@settings(max_examples=30)
@given(photos=st.integers(1, 12), batch_size=st.integers(1, 9), seed=st.integers(0, 3))
def test_every_epoch_shows_each_photo_once(photos: int, batch_size: int, seed: int) -> None:
    stream = stream_of(photos, batch_size, seed=seed)
    steps = -(-3 * photos // batch_size)
    shown = np.concatenate([stream.rows(step) for step in range(steps)])
    for epoch in range(3):
        assert sorted(shown[epoch * photos : (epoch + 1) * photos]) == list(range(photos))


def test_epochs_have_orders_of_their_own() -> None:
    stream = stream_of(20, 20)
    assert stream.rows(0).tolist() != stream.rows(1).tolist()


def test_all_sketches_of_a_photo_are_shown_in_time() -> None:
    stream = stream_of(2, 2)
    chosen = {(row, choice) for step in range(30) for row, choice in shown_choices(stream.batch(step))}
    assert chosen == {(row, choice) for row in range(2) for choice in range(3)}


def shown_choices(batch: PairBatch) -> list[tuple[int, int]]:
    return list(zip(batch.rows.tolist(), batch.choices.tolist(), strict=True))


def test_a_batch_holds_what_its_rows_and_choices_say() -> None:
    stream = stream_of(6, 8, strength=0.0)
    batch = stream.batch(2)
    assert batch.photos[:, 0, 0, 0].tolist() == batch.rows.tolist()
    assert batch.categories.tolist() == (batch.rows % 2).tolist()
    for strokes, (row, choice) in zip(batch.strokes, shown_choices(batch), strict=True):
        np.testing.assert_allclose(strokes, centre(stream.pairs.sketches[row][choice]), atol=1e-3)
    assert stream.photo_ids(2) == [f"photo-{row}" for row in batch.rows]


@pytest.mark.parametrize(("world", "step"), [(2, 0), (3, 5), (4, 2)])
def test_the_processes_share_out_the_batch_of_one(world: int, step: int) -> None:
    whole = stream_of(7, 12)
    shares = [replace(whole, rank=rank, world=world).batch(step) for rank in range(world)]
    alone = whole.batch(step)
    together = PairBatch(
        photos=np.concatenate([share.photos for share in shares]),
        strokes=[strokes for share in shares for strokes in share.strokes],
        rasters=np.concatenate([share.rasters for share in shares]),
        rows=np.concatenate([share.rows for share in shares]),
        choices=np.concatenate([share.choices for share in shares]),
        categories=np.concatenate([share.categories for share in shares]),
        changes=Changes(
            *(np.concatenate([getattr(share.changes, one.name) for share in shares]) for one in fields(Changes))
        ),
    )
    assert equal(together, alone)


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(DataError, match="batch_size 10 cannot be shared evenly by 4 processes"):
        stream_of(7, 10, world=4)


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(DataError, match="no photo with a sketch"):
        stream_of(0, 4)


def test_photos_and_sketches_are_given_as_unit_floats() -> None:
    photos, sketches = stream_of(5, 4).batch(0).images(CPU)
    assert photos.shape == (4, 3, SIZE, SIZE) and sketches.shape == (4, 3, SIZE, SIZE)
    for images in (photos, sketches):
        assert images.dtype == torch.float32 and images.min() >= 0 and images.max() <= 1
    assert sketches.amin() < 0.6 and sketches.amax() == 1  # dark on white


def test_labelled_pairs_read_the_sketches_of_seen_users_only(make_store: MakeStore) -> None:
    store = make_store()
    entries = training_split(store.index, 1.0).labelled
    pairs = labelled_pairs(store, entries, SIZE, 1.0)
    assert pairs.photo_ids == ["chair-00", "chair-01", "chair-02", "chair-03", "chair-04", "lamp-05"]
    assert [len(choice) for choice in pairs.sketches] == [2, 2, 2, 2, 2, 1]
    # Numbered over all of the set's categories, so that train and test agree.
    assert pairs.categories.tolist() == [1, 1, 1, 1, 1, 2]
    for row, entry in enumerate(entries):
        strokes = store.read_strokes(entry)
        for place, shown in enumerate(pairs.sketches[row]):
            assert not entry.sketches[place].unseen
            assert np.array_equal(shown, centre(strokes[place]))


def test_a_photo_set_reads_no_strokes(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store()

    def refuse(self: ShardStore, entry: PhotoEntry) -> list[np.ndarray]:
        raise AssertionError(f"the strokes of {entry.id} were read")

    monkeypatch.setattr(ShardStore, "read_strokes", refuse)
    photos = photo_set(store, store.photos, SIZE, 1.0)
    assert len(photos) == len(store.photos) and not any(photos.sketches)
    assert photos.pixels[np.arange(len(photos))].shape == (len(photos), SIZE, SIZE, 3)
    with pytest.raises(AssertionError, match="were read"):
        labelled_pairs(store, store.photos, SIZE, 1.0)


@pytest.mark.parametrize("kept", [0, 1, 5, 100])
def test_the_limit_of_the_cache_does_not_change_the_pixels(make_store: MakeStore, kept: int) -> None:
    store = make_store()
    pixels = PhotoPixels(store, store.photos, SIZE, (kept + 0.5) * SIZE * SIZE * 3 / 2**30)
    assert len(pixels._kept) == min(kept, len(store.photos))
    rows = np.array([3, 0, 11, 3, 7])
    expected = np.stack([decode_photo(store.read_photo(store.photos[row]), SIZE) for row in rows])
    for _ in range(2):
        assert np.array_equal(pixels[rows], expected)


def test_what_fits_is_decoded_once(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store()
    read = []
    monkeypatch.setattr(
        "fgsbir.data.pairs.decode_photo", lambda data, size: read.append(size) or decode_photo(data, size)
    )
    pixels = PhotoPixels(store, store.photos, SIZE, 1.0)
    before = pixels[np.array([2, 2, 4])]
    before[:] = 0  # what is handed out is the caller's own
    assert np.array_equal(pixels[[2]][0], decode_photo(store.read_photo(store.photos[2]), SIZE))
    assert len(read) == 2


def test_the_same_pairs_at_another_size(make_store: MakeStore) -> None:
    store = make_store()
    entries = training_split(store.index, 1.0).labelled
    pairs = labelled_pairs(store, entries, SIZE, 1.0)
    assert at_size(pairs, store, entries, SIZE, 1.0).pixels is pairs.pixels
    larger = at_size(pairs, store, entries, 2 * SIZE, 1.0)
    assert larger.pixels[np.array([1])].shape == (1, 2 * SIZE, 2 * SIZE, 3)
    assert larger.sketches == pairs.sketches and larger.photo_ids == pairs.photo_ids


def test_sketches_alone_stand_in_for_their_photos() -> None:
    sketches = [strokes for choice in pairs_of(3, 1).sketches for strokes in choice]
    pairs = sketch_only_pairs(sketches, SIZE, 3.0)
    pixels = pairs.pixels[np.array([2, 0])]
    assert pixels.shape == (2, SIZE, SIZE, 3) and pixels.dtype == np.uint8
    for place, row in enumerate((2, 0)):
        for channel in range(3):
            assert np.array_equal(pixels[place, :, :, channel], rasterise(sketches[row], SIZE, 3.0))
    assert pairs.categories.tolist() == [0, 0, 0]
    assert sketch_only_pairs(sketches, SIZE, 3.0, np.array([4, 5, 6])).categories.tolist() == [4, 5, 6]


def test_a_stream_changes_sketches_as_it_is_told() -> None:
    batch = stream_of(5, 6, change=change_sketches_jointly).batch(1)
    pairs = pairs_of(5)
    shown = [pairs.sketches[row][choice] for row, choice in shown_choices(batch)]
    for strokes, expected in zip(batch.strokes, change_sketches_jointly(shown, batch.changes), strict=True):
        assert np.array_equal(strokes, expected)


def test_prefetching_keeps_the_order() -> None:
    assert list(prefetch(lambda step: step * step, 3, 9)) == [(step, step * step) for step in range(3, 9)]
    assert list(prefetch(lambda step: step, 4, 4)) == []


def test_prefetching_is_one_step_ahead_in_another_thread() -> None:
    made: dict[int, int] = {}
    ready = [threading.Event() for _ in range(4)]

    def make(step: int) -> int:
        made[step] = threading.get_ident()
        ready[step].set()
        return step

    for step, _ in prefetch(make, 0, 3):
        assert ready[min(step + 1, 2)].wait(60)
        assert max(made) == min(step + 1, 2)
    assert threading.get_ident() not in made.values()


def test_prefetching_passes_an_error_on_at_its_own_step() -> None:
    def make(step: int) -> int:
        if step == 2:
            raise DataError("photo 2 is broken")
        return step

    seen = []
    with pytest.raises(DataError, match="photo 2 is broken"):
        for step, _ in prefetch(make, 0, 5):
            seen.append(step)
    assert seen == [0, 1]


def test_prefetching_ends_with_the_loop_that_uses_it() -> None:
    for step, _ in prefetch(lambda step: step, 0, 100):
        if step == 1:
            break
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]
