"""The stage pseudo's work: every unlabelled photo drawn, by G and by its edges, and read by the trunk.

Photos are drawn in parts. Processes take parts in turn, and a part that is whole is not drawn again.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from fgsbir.data.records import DataError
from fgsbir.data.stroke_files import parse_strokes
from fgsbir.data.strokes import centre, mirrored
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import Inputs
from fgsbir.features.store import half
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.joint.pseudo_sketches import SOURCES, PseudoSketches, Source, gathered, read_pseudo, write_pseudo
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.streams import stream_seed

PART = 128


class Drawn(NamedTuple):
    """A sketch of a photo, whose row is given: canonical strokes, of the mirrored photo if ``form`` is 1."""

    photo: int
    form: int
    source: Source
    strokes: np.ndarray


# Draws the photos of some rows, in any order.
Drawer = Callable[[np.ndarray], list[Drawn]]


def by_generator(
    generator: AnyGenerator,
    photos: Inputs,
    shown: np.ndarray,
    source: Source,
    *,
    samples: int,
    temperature: float,
    seed: int,
    compute: Compute,
) -> Drawer:
    """G draws for each photo ``samples`` sketches of photo ``shown`` int64 (n,), every second one mirrored."""

    def draw(rows: np.ndarray) -> list[Drawn]:
        drawn = []
        for sample in range(samples):
            # Only stored maps have mirror images.
            form = sample % 2 if generator.level != "pixels" else 0
            number = stream_seed(seed, "pseudo/drawing", sample, int(rows[0]))
            sketches = draw_sketches(
                generator, photos, shown[rows], form, temperature=temperature, seed=number, compute=compute
            )
            drawn += [Drawn(row, form, source, strokes) for row, strokes in zip(rows, sketches.strokes, strict=True)]
        return drawn

    return draw


def as_given(sketches: Sequence[Sequence[np.ndarray]], source: Source) -> Drawer:
    """The sketches that each photo is given, as they are and mirrored."""

    def draw(rows: np.ndarray) -> list[Drawn]:
        straight = [Drawn(row, 0, source, strokes) for row in rows for strokes in sketches[row]]
        return [*straight, *(each._replace(form=1, strokes=mirrored(each.strokes)) for each in straight)]

    return draw


def read_given(path: Path, sha256: str) -> dict[str, list[np.ndarray]]:
    """Someone else's sketches of the unlabelled photos by photo id, canonical and centred.

    The file has lines ``{"photo": id, "strokes": [[[x, y], ...], ...]}``. Raises DataError if it is missing, of
    another hash, or malformed, with the line.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected sketches of the unlabelled photos") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise DataError(f"{path}: expected sha256 {sha256}, found {found}")
    sketches: dict[str, list[np.ndarray]] = {}
    for number, line in enumerate(data.splitlines(), 1):
        name = f"{path}: line {number}"
        try:
            value = json.loads(line)
            photo, strokes = str(value["photo"]), value["strokes"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise DataError(f'{name}: expected {{"photo": id, "strokes": [[[x, y], ...], ...]}}') from None
        sketches.setdefault(photo, []).append(centre(parse_strokes(strokes, name)))
    return sketches


def partners(categories: np.ndarray) -> np.ndarray:
    """For each photo another one of its category, where there is one: rows int64 (n,)."""
    other = np.arange(len(categories))
    for category in np.unique(categories):
        rows = np.flatnonzero(categories == category)
        other[rows] = np.roll(rows, -1)
    return other


def draw_photos(
    photo_ids: Sequence[str], drawers: Sequence[Drawer], reader: Reader, *, maps: bool, scratch: Path
) -> PseudoSketches:
    """Have every photo drawn by all of ``drawers``, and the drawings read. ``maps``: keep these too.

    Parts are kept in ``scratch``. All processes of the reader's compute work together, and each returns everything.
    """
    compute = reader.compute
    parts = np.array_split(np.arange(len(photo_ids)), max(1, -(-len(photo_ids) // PART)))
    folders = [scratch / f"{number:05d}" for number in range(len(parts))]
    compute.wait_for_all()  # a run that may not work here has told so by now
    turns = compute.in_turn(list(zip(parts, folders, strict=True)), "drawings")
    for rows, folder in tqdm(turns, "drawings", len(parts), unit="part", disable=None):
        if not folder.exists():
            drawn = [each for draw in drawers for each in draw(rows)] if len(rows) else []
            write_pseudo(folder, _read([photo_ids[row] for row in rows], rows, drawn, reader, maps))
    compute.wait_for_all()
    return gathered([read_pseudo(folder) for folder in folders], scratch)


def _read(photo_ids: list[str], rows: np.ndarray, drawn: list[Drawn], reader: Reader, maps: bool) -> PseudoSketches:
    """Drawings of the photos ``rows`` in the order of the photos, read by the trunk, and not weighed yet."""
    drawn = sorted(drawn, key=lambda each: each.photo)
    read = reader.sketches([each.strokes for each in drawn])
    return PseudoSketches(
        photo_ids,
        photo=np.searchsorted(rows, [each.photo for each in drawn]).astype(np.int64),
        form=np.array([each.form for each in drawn], np.uint8),
        source=np.array([SOURCES.index(each.source) for each in drawn], np.uint8),
        strokes=[each.strokes for each in drawn],
        taps=half(read.taps),
        maps=half(read.map) if maps else None,
        certainty=np.ones(len(drawn), np.float32),
        typical=np.ones(len(drawn), np.float32),
        scale=np.ones((len(SOURCES), read.taps.shape[1]), np.float32),
        offset=np.zeros((len(SOURCES), read.taps.shape[1]), np.float32),
    )
