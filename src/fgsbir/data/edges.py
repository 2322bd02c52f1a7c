"""The contours in every photo, and the drawing of the longest of them, which no person has to make.

G chooses among a photo's contours; F learns from their drawings beside G's.
"""

import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from tqdm import tqdm

from fgsbir.data.atomic import link_or_copy, write_file, write_folder
from fgsbir.data.contours import POINTS, SIDE, Contours, line_length, line_of, photo_contours, runs
from fgsbir.data.cores import sharing_processes
from fgsbir.data.index import Index, PhotoEntry, by_shard
from fgsbir.data.photos import decode_photo
from fgsbir.data.records import DataError
from fgsbir.data.selection import training_split
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import CANVAS, centre, join_strokes, simplify

# What stands out less, as a mean gradient of grey in [0, 1], is no edge; what is shorter, in canvas pixels, is texture;
# what lies this near to the border, as a share, is surroundings.
WEAKEST, SHORTEST, BORDER = 0.02, 25.0, 0.1
MOST_POINTS = 60  # about as many as people draw


class Edges(NamedTuple):
    """A photo's ``contours``, and the ``drawing`` of its edges: canonical strokes, float32 (n, 3)."""

    drawing: np.ndarray
    contours: Contours


def edge_drawing(contours: Contours, *, tolerance: float) -> np.ndarray:
    """Draw the longest contours of a photo: canonical strokes, float32 (n, 3), n <= 60; ``tolerance`` in pixels."""
    standing_out = runs(contours.contour, contours.strength > WEAKEST)
    lines = [line_of(contours.points[rows]) for rows in standing_out]
    lengths = [line_length(line) for line in lines]
    inside = (BORDER * CANVAS, (1 - BORDER) * CANVAS)
    drawn: list[np.ndarray] = []
    for length, line in sorted(zip(lengths, lines, strict=True), key=lambda each: -each[0]):
        if length < SHORTEST:
            break
        if not all(inside[0] < middle < inside[1] for middle in line.mean(0)):
            continue
        simple = simplify(join_strokes([line]), tolerance)[:, :2]
        if sum(map(len, drawn)) + len(simple) > MOST_POINTS:
            break
        drawn.append(simple)
    return join_strokes(drawn)


def photo_edges(photo: bytes, *, tolerance: float) -> Edges:
    """The edges of an encoded photo."""
    contours = photo_contours(decode_photo(photo, SIDE))
    return Edges(edge_drawing(contours, tolerance=tolerance), contours)


class Processes(Protocol):
    """The processes that share a run: :class:`fgsbir.runtime.compute.Compute`."""

    is_main: bool

    def in_turn(self, work: Sequence[str], name: str) -> Iterator[str]: ...

    def wait_for_all(self) -> None: ...


def write_edges(
    store: ShardStore, *, tolerance: float, workers: int, processes: Processes, scratch: Path, out: Path
) -> None:
    """Find the edges of every photo that paper 1's stages draw, in folder ``out``; ``workers`` processes draw.

    One file a shard, finished in ``scratch`` one by one by ``processes``, each with workers of its own: a shard that is
    whole is not done again.
    """
    drawn = by_shard(_drawn(store.index))
    draw = partial(photo_edges, tolerance=tolerance)
    with ExitStack() as stack:
        mapped: Callable[..., Iterable[Edges]] = map
        if workers > 1:
            mapped = partial(stack.enter_context(sharing_processes(workers)).map, chunksize=16)
        processes.wait_for_all()  # a run that may not work here has told so by now
        turns = processes.in_turn(sorted(drawn), "edges")
        for name in tqdm(turns, "edges", len(drawn), unit="shard", disable=None):
            done = scratch / f"{name}.npz"
            if done.exists():
                continue
            found = list(mapped(draw, map(store.read_photo, drawn[name])))
            with write_file(done) as partial_file:
                np.savez(
                    partial_file,
                    drawn=np.array([len(each.drawing) for each in found], np.int64),
                    drawing=np.concatenate([each.drawing for each in found]),
                    pieces=np.array([len(each.contours.contour) for each in found], np.int64),
                    points=np.concatenate([each.contours.points for each in found]).astype(np.float16),
                    contour=np.concatenate([each.contours.contour for each in found]),
                    strength=np.concatenate([each.contours.strength for each in found]),
                )
    processes.wait_for_all()
    if processes.is_main:
        with write_folder(out) as folder:
            for name in drawn:
                link_or_copy(scratch / f"{name}.npz", folder / f"{name}.npz")
        shutil.rmtree(scratch, ignore_errors=True)
    processes.wait_for_all()


def read_edges(folder: Path, store: ShardStore, entries: Sequence[PhotoEntry]) -> list[Edges]:
    """The edges of photos, in their order, drawings centred. Raises DataError for a missing, damaged or other file."""
    drawn, wanted = by_shard(_drawn(store.index)), {entry.id for entry in entries}
    edges: dict[str, Edges] = {}
    for name in sorted(by_shard(entries)):
        path = folder / f"{name}.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                found = _split_by_photo(**arrays)
        except FileNotFoundError:
            raise DataError(f"{path}: no such file; expected the output of the stage edges") from None
        except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: expected edges, found damage ({error})") from None
        if len(found) != len(drawn[name]):
            raise DataError(f"{path}: expected the edges of {len(drawn[name])} photos, found {len(found)}")
        # Copies, or a few photos of each shard would keep them all in memory.
        for entry, each in zip(drawn[name], found, strict=True):
            if entry.id in wanted:
                edges[entry.id] = Edges(each.drawing.copy(), Contours(*(values.copy() for values in each.contours)))
    return [edges[entry.id] for entry in entries]


def _split_by_photo(
    drawn: np.ndarray,
    drawing: np.ndarray,
    pieces: np.ndarray,
    points: np.ndarray,
    contour: np.ndarray,
    strength: np.ndarray,
) -> list[Edges]:
    if drawn.sum() != len(drawing) or pieces.sum() != len(points) or points.shape[1:] != (POINTS, 2):
        raise ValueError("the counts do not fit")
    parts = (np.split(values, np.cumsum(pieces)[:-1]) for values in (points.astype(np.float32), contour, strength))
    contours = [Contours(*each) for each in zip(*parts, strict=True)]
    strokes = np.split(drawing, np.cumsum(drawn)[:-1])
    return [
        Edges(centre(each) if len(each) > 1 else each[:0], of_photo)
        for each, of_photo in zip(strokes, contours, strict=True)
    ]


def _drawn(index: Index) -> list[PhotoEntry]:
    split = training_split(index, 1.0)
    return [*split.labelled, *split.unlabelled, *split.validation, *split.test]
