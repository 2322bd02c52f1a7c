"""The folder of pseudo pairs: for every unlabelled photo its generated sketches, and how far to trust each."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fgsbir.data.atomic import write_folder
from fgsbir.data.records import DataError

FORMAT = 2
INDEX, ARRAYS = "index.json", "pseudo.npz"


@dataclass(frozen=True, slots=True)
class PseudoSketches:
    """Generated sketches by photo id: canonical strokes and, in the same order, how far to trust each.

    ``certainty`` is D_C's (Eq. 5), float32 in [0, 1]. With ``edges`` above 0 the first sketch of each photo shows the
    edges in it, and counts as often; the others are G's.
    """

    strokes: dict[str, list[np.ndarray]]
    certainty: dict[str, np.ndarray]
    edges: int = 0


def write_pseudo(folder: Path, pseudo: PseudoSketches) -> None:
    """Write ``index.json`` (``edges``, photo ids and sketches of each) and ``pseudo.npz``, in one piece.

    The arrays hold all points (float32 (n, 3)), the points of each sketch (int64) and its certainty (float32), in the
    order of the index.
    """
    names = sorted(pseudo.strokes)
    sketches = [strokes for name in names for strokes in pseudo.strokes[name]]
    photos = [{"id": name, "sketches": len(pseudo.strokes[name])} for name in names]
    with write_folder(folder) as partial:
        np.savez(
            partial / ARRAYS,
            points=np.concatenate([np.zeros((0, 3), np.float32), *sketches]),
            counts=np.array([len(strokes) for strokes in sketches], np.int64),
            certainty=np.array([value for name in names for value in pseudo.certainty[name]], np.float32),
        )
        index = {"format": FORMAT, "edges": pseudo.edges, "photos": photos}
        (partial / INDEX).write_text(json.dumps(index, indent=1) + "\n")


def read_pseudo(folder: Path) -> PseudoSketches:
    """Read what :func:`write_pseudo` wrote. Raises DataError where the files are missing, malformed or do not agree."""
    try:
        index = json.loads((folder / INDEX).read_text())
        with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
            points, counts, certainty = arrays["points"], arrays["counts"], arrays["certainty"]
        found = index["format"]
        edges = int(index["edges"])
        sketches = {str(photo["id"]): int(photo["sketches"]) for photo in index["photos"]}
    except FileNotFoundError as error:
        raise DataError(f"{error.filename}: no such file; expected the output of the stage pseudo") from error
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{folder}: expected {INDEX} and {ARRAYS} of the stage pseudo: {error}") from error
    if found != FORMAT:
        raise DataError(f"{folder / INDEX}: expected format {FORMAT}, found {found!r}")
    if edges < 0 or min(sketches.values(), default=0) < 0:
        raise DataError(f"{folder / INDEX}: expected counts of edges and sketches that are not negative")
    total = sum(sketches.values())
    if not (len(counts) == len(certainty) == total and counts.sum() == len(points)):
        raise DataError(f"{folder}: {INDEX} lists {total} sketches, {ARRAYS} holds {len(counts)}")
    parts: Sequence[np.ndarray] = np.split(points, np.cumsum(counts)[:-1]) if total else []
    pseudo, start = PseudoSketches({}, {}, edges), 0
    for name, number in sketches.items():
        part = slice(start, start + number)
        pseudo.strokes[name] = list(parts[part])
        pseudo.certainty[name] = certainty[part]
        start += number
    return pseudo
