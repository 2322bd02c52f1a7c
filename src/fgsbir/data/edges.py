"""Edge drawings: the contours in a photo as strokes, which show G where lines lie before people show it which to draw.

They need no sketch, but hold what no person would draw (shadows, pictures on a wall) and miss what stands out little.
"""

import multiprocessing
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from skimage.color import rgb2gray
from skimage.feature import canny
from tqdm import tqdm

from fgsbir.data.atomic import write_file, write_folder
from fgsbir.data.index import PhotoEntry
from fgsbir.data.photos import decode_photo
from fgsbir.data.records import DataError
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import CANVAS, centre, join_strokes, simplify
from fgsbir.data.tracing import trace_mask

SIDE = int(CANVAS)
# Of Canny's detector: blur in pixels, and the gradients, of grey in [0, 1], where an edge goes on and where it begins.
BLUR, WEAK, STRONG = 2.5, 0.05, 0.15
# What is shorter, in canvas pixels, is texture; what lies this near to the border, as a share, is surroundings.
SHORTEST, BORDER = 25.0, 0.1
MOST_POINTS = 60  # about as many as people draw


def edge_drawing(photo: bytes, *, tolerance: float) -> np.ndarray:
    """Draw the longest contours of an encoded photo: canonical strokes, float32 (n, 3) with n <= 60.

    ``tolerance`` of the simplification is in pixels of the 256 canvas. Empty where nothing stands out.
    """
    edges = canny(rgb2gray(decode_photo(photo, SIDE)), BLUR, WEAK, STRONG)
    contours = [(float(np.linalg.norm(np.diff(part, axis=0), axis=1).sum()), part) for part in trace_mask(edges)]
    inside = (BORDER * CANVAS, (1 - BORDER) * CANVAS)
    drawn: list[np.ndarray] = []
    for length, part in sorted(contours, key=lambda contour: -contour[0]):
        if length < SHORTEST:
            break
        if not all(inside[0] < middle < inside[1] for middle in part.mean(0)):
            continue
        line = simplify(join_strokes([part]), tolerance)[:, :2]
        if sum(map(len, drawn)) + len(line) > MOST_POINTS:
            break
        drawn.append(line)
    return join_strokes(drawn)


def write_edges(store: ShardStore, *, tolerance: float, workers: int, scratch: Path, out: Path) -> None:
    """Draw the edges in every training photo, labelled or not, of all shards into the folder ``out``.

    One file a shard, finished in ``scratch`` one by one: a shard that is whole is not done again. ``workers``
    processes draw.
    """
    by_shard = defaultdict(list)
    for entry in store.photos:
        if entry.split in ("train", "unlabelled"):
            by_shard[Path(entry.shard).stem].append(entry)
    draw = partial(edge_drawing, tolerance=tolerance)
    # Processes are spawned, not forked: the caller may run threads (a loaded torch does).
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for name, entries in tqdm(sorted(by_shard.items()), "edges", unit="shard", disable=None):
            done = scratch / f"{name}.npz"
            if done.exists():
                continue
            drawn = list(pool.imap(draw, map(store.read_photo, entries), chunksize=16))
            counts = np.array([len(strokes) for strokes in drawn], np.int64)
            with write_file(done) as partial_file:
                np.savez(partial_file, points=np.concatenate(drawn), counts=counts)
    with write_folder(out) as folder:
        for name in by_shard:
            shutil.move(scratch / f"{name}.npz", folder / f"{name}.npz")


def read_edges(folder: Path, store: ShardStore, entries: Sequence[PhotoEntry]) -> list[np.ndarray]:
    """The edge drawings of training photos, in their order: canonical, centred; (0, 3) where nothing stands out.

    Raises DataError for a file that is missing, damaged, or of other photos.
    """
    ids = defaultdict(list)
    for entry in store.photos:
        ids[entry.shard].append(entry.id)
    drawn: dict[str, np.ndarray] = {}
    for shard in sorted({entry.shard for entry in entries}):
        path = folder / f"{Path(shard).stem}.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                points, counts = arrays["points"], arrays["counts"]
        except FileNotFoundError:
            raise DataError(f"{path}: no such file; expected the output of the stage edges") from None
        except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: expected edge drawings, found damage ({error})") from None
        if len(counts) != len(ids[shard]) or counts.sum() != len(points):
            raise DataError(f"{path}: expected the drawings of {len(ids[shard])} photos, found {len(counts)}")
        drawn |= zip(ids[shard], np.split(points, np.cumsum(counts)[:-1]), strict=True)
    found = [drawn[entry.id] for entry in entries]
    return [centre(strokes) if len(strokes) > 1 else strokes[:0] for strokes in found]
