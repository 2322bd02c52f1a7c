"""Making an index: what is embedded, kept, dropped and left out, and what a killed process leaves."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fgsbir.adaptation.model import statistics_alone
from fgsbir.data.photos import read_pixels
from fgsbir.data.records import DataError
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import save_model
from fgsbir.search.gallery import MODEL, Gallery
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from tests.search.conftest import contents
from tests.toy import SIZE, Toy, cpu
from tests.trained import save_adaptive, save_retrieval

SKETCH = np.array([[9, 9, 0], [200, 99, 1]], np.float32)
MakePhoto = Callable[[Path, int], Path]


def embeddings(out: Path) -> dict[str, np.ndarray]:
    """The embedding of each photo of an index, by its name."""
    gallery = Gallery(out)
    return {gallery.path(row).name: gallery.embeddings[row].copy() for row in range(len(gallery))}


def test_every_photo_is_embedded_once_and_again_only_if_new(
    tmp_path: Path, joint_model: Path, photos: Path, make_photo: MakePhoto
) -> None:
    out = tmp_path / "index"
    assert index_photos([photos], joint_model, out) == (5, 5, 0, {}, {}, None)
    assert contents(out / MODEL) == contents(joint_model / "retrieval")
    encoder, before = Encoder.load(joint_model / "retrieval", cpu()), embeddings(out)
    for name, row in before.items():
        pixels = read_pixels((photos / name).read_bytes(), name, SIZE)
        np.testing.assert_allclose(row, encoder.photos(pixels[None])[0], atol=1e-5)
    assert index_photos([photos], joint_model, out) == (5, 0, 0, {}, {}, None)

    make_photo(photos / "deep" / "er" / "new.png", 9)
    make_photo(photos / "0.png", 10)  # another photo of that name
    (photos / "1.png").unlink()
    (photos / "2.png").rename(photos / "moved.png")
    assert index_photos([photos], joint_model, out) == (5, 2, 0, {}, {}, None)
    after = embeddings(out)
    assert sorted(after) == ["0.png", "3.png", "4.png", "moved.png", "new.png"]
    for name, old in (("3.png", "3.png"), ("4.png", "4.png"), ("moved.png", "2.png")):
        np.testing.assert_array_equal(after[name], before[old])
    assert not np.array_equal(after["0.png"], before["0.png"])
    index_photos([photos], joint_model, tmp_path / "scratch")
    for name, row in embeddings(tmp_path / "scratch").items():
        np.testing.assert_allclose(row, after[name], atol=1e-5)


def test_a_relative_folder_is_the_same_folder(
    tmp_path: Path, joint_model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_photos([photos], joint_model, tmp_path / "whole")
    monkeypatch.chdir(tmp_path)
    index_photos([photos], joint_model, Path("relative"))
    assert contents(tmp_path / "relative") == contents(tmp_path / "whole")


def test_a_photo_that_lies_there_twice_is_in_it_once(tmp_path: Path, joint_model: Path, photos: Path) -> None:
    shutil.copy(photos / "3.png", photos / "a.png")
    (photos / "b.png").symlink_to(photos / "3.png")
    found = index_photos([photos, photos / "3.png", photos], joint_model, tmp_path / "index")
    assert found == (5, 5, 2, {}, {}, None) and "3.png" in embeddings(tmp_path / "index")


def test_nothing_readable_is_an_error_and_leaves_the_old_index(index: Path, joint_model: Path, photos: Path) -> None:
    before = contents(index)
    for path in photos.iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="expected photos, found none that can be read"):
        index_photos([photos], joint_model, index)
    assert contents(index) == before


def test_an_index_of_another_model_is_refused(tmp_path: Path, index: Path, photos: Path, toy: Toy) -> None:
    other = save_retrieval(tmp_path / "other", toy, seed=1)
    with pytest.raises(DataError, match="was made by another model"):
        index_photos([photos], other, index)
    shutil.copytree(other, index / MODEL, dirs_exist_ok=True)
    with pytest.raises(DataError, match="the model in it is not the one that made it"):
        Searcher.open(index)


def test_no_folder_but_an_index_is_written_over(joint_model: Path, photos: Path) -> None:
    before = contents(photos)
    with pytest.raises(DataError, match="expected an index"):
        index_photos([photos], joint_model, photos)
    assert contents(photos) == before


def test_an_index_to_adapt_keeps_the_pooled_taps(
    tmp_path: Path, joint_model: Path, index: Path, photos: Path, toy: Toy, make_photo: MakePhoto
) -> None:
    adaptive = save_adaptive(tmp_path / "adaptive", toy)
    assert Gallery(index).features is None
    assert index_photos([photos], joint_model, index, adaptive=adaptive).new == 5  # without features nothing is known
    make_photo(photos / "new.png", 9)
    assert index_photos([photos], joint_model, index).new == 1  # and the adaptive model stays
    gallery, encoder = Gallery(index), Encoder.load(joint_model / "retrieval", cpu())
    assert gallery.features is not None and gallery.features.shape == (6, 1, encoder.model.dimensions)
    for row, features in enumerate(gallery.features):
        pixels = read_pixels(gallery.path(row).read_bytes(), "x", SIZE)
        np.testing.assert_allclose(features, encoder.pooled_photos(pixels[None])[0], atol=0.02, rtol=1e-2)
    assert index_photos([photos], joint_model, index, adaptive=save_adaptive(tmp_path / "b", toy, seed=1)).new == 6


def test_an_adaptive_model_that_reads_otherwise_is_refused(
    tmp_path: Path, joint_model: Path, photos: Path, toy: Toy
) -> None:
    retrieval = toy.retrieval()
    other = RetrievalModel(**retrieval.config() | {"spec": replace(retrieval.spec, line_width=2.0).as_json()})
    save_model(tmp_path / "other", statistics_alone(other), details={})
    for adaptive, message in (
        (tmp_path / "other", "expected a model on the same stored taps"),
        (joint_model / "retrieval", "expected a model of kind adaptive, found retrieval"),
    ):
        with pytest.raises(DataError, match=message):
            index_photos([photos], joint_model, tmp_path / "index", adaptive=adaptive)
    assert not (tmp_path / "index").exists()


STOPPED = """
import os, signal, sys, threading, time
from pathlib import Path
from fgsbir.search import index_parts, indexing
stage, sent, photos, model, out = sys.argv[1], int(sys.argv[2]), *map(Path, sys.argv[3:])
write, read, read_all = indexing.write_photos, index_parts.photo_bytes, index_parts._read_all
kept, calls = threading.Semaphore(0), []
def stop():
    signal.pthread_kill(threading.main_thread().ident, sent)
    time.sleep(2)  # the main thread has it by then
def write_photos(*given, **named):
    write(*given, **named)
    if stage == "writing":
        stop()
def told(*given):
    for each in read_all(*given):
        yield each
        kept.release()  # the next one is asked for: this one is embedded, and kept
def photo_bytes(path):
    calls.append(path)
    if stage == "reading" and len(calls) == 5:
        for _ in range(4):
            kept.acquire()
        stop()
    return read(path)
indexing.write_photos, index_parts.photo_bytes, index_parts._read_all = write_photos, photo_bytes, told
index_parts.BATCH = 1
os.sched_getaffinity = lambda _: {0}
try:
    print(*indexing.index_photos([photos], model, out)[:3], flush=True)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture
def stopped(joint_model: Path, photos: Path, tmp_path: Path) -> Callable[[str, signal.Signals], str]:
    """Index those photos in a process that gets a signal as it writes, or reads the fifth photo: what it tells."""

    def run(stage: str, sent: signal.Signals) -> str:
        paths = map(str, (photos, joint_model, tmp_path / "index"))
        command = [sys.executable, "-c", STOPPED, stage, str(int(sent)), *paths]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True).stdout

    return run


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_what_stops_while_an_index_is_written_leaves_the_old_one_whole(
    joint_model: Path, index: Path, photos: Path, make_photo: MakePhoto, stopped: Any, sent: signal.Signals
) -> None:
    before = contents(index)
    make_photo(photos / "new.png", 9)
    assert stopped("writing", sent) == ("interrupted\n" if sent == signal.SIGINT else "")
    assert contents(index) == before and len(Searcher.open(index).search(SKETCH, 9)) == 5
    assert index_photos([photos], joint_model, index) == (6, 1, 0, {}, {}, None)
    assert not [path.name for path in index.parent.iterdir() if path.name.startswith(".")]


def test_an_interruption_keeps_what_is_done_and_the_next_run_goes_on(
    tmp_path: Path, joint_model: Path, photos: Path, stopped: Any, make_photo: MakePhoto
) -> None:
    out = tmp_path / "index"
    assert stopped("reading", signal.SIGINT) == "4 4 0\n"
    first = embeddings(out)
    assert sorted(first) == ["0.png", "1.png", "2.png", "3.png"] and len(Searcher.open(out).search(SKETCH, 9)) == 4
    (photos / "0.png").unlink()
    for number in (6, 7):
        make_photo(photos / f"{number}.png", number)
    # What the old index holds stays in it until a run has come to the end.
    assert stopped("reading", signal.SIGINT) == "5 1 0\n" and {*first, "4.png"} == embeddings(out).keys()
    assert index_photos([photos], joint_model, out) == (6, 2, 0, {}, {}, None)
    assert "0.png" not in embeddings(out)
    np.testing.assert_array_equal(embeddings(out)["1.png"], first["1.png"])
