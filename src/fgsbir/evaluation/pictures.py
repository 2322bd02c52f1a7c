"""Picture sheets: what F retrieves and what G draws. A stable hash of their ids says which queries and photos."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from fgsbir.data.selection import stable_fraction
from fgsbir.data.sheet import QUIET, RIGHT, WRONG, Sheet, resized, sketch_picture
from fgsbir.data.strokes import from_sequence
from fgsbir.evaluation.drawings import Judged, watch_drawings
from fgsbir.evaluation.search import EvaluationSet, Search
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.runtime.compute import Compute

SALT = "picture"
# Pixels of a photo in a picture sheet, before it is fitted to its place.
DISPLAY = 160
MARGIN, GAP = 14, 6


def shuffled(ids: Sequence[str]) -> np.ndarray:
    """Rows in an order that depends on the ids alone: int64 (n,)."""
    return np.argsort([stable_fraction(SALT, name) for name in ids], kind="stable")


def choose_queries(supervised: np.ndarray, joint: np.ndarray, ids: Sequence[str], count: int) -> list[tuple[int, str]]:
    """Choose ``count`` queries, equally many of each kind as far as there are: rows and captions.

    Kinds: found first by both models, by one of them, by neither. Failures are as prominent as
    successes; the caption tells how the test set divides.
    """
    kinds = {
        "both find it first": (supervised == 1) & (joint == 1),
        "only joint finds it first": (supervised > 1) & (joint == 1),
        "only supervised finds it first": (supervised == 1) & (joint > 1),
        "neither finds it first": (supervised > 1) & (joint > 1),
    }
    rows = {name: [int(row) for row in shuffled(ids) if of_kind[row]] for name, of_kind in kinds.items()}
    in_turn = [row for turn in itertools.zip_longest(*rows.values()) for row in turn if row is not None]
    chosen = set(in_turn[:count])
    return [
        (row, f"{name} ({len(found)} of {len(ids)} queries)")
        for name, found in rows.items()
        for row in found
        if row in chosen
    ]


def retrieval_sheet(path: Path, searches: Mapping[str, Search], *, count: int, k: int) -> None:
    """Queries with their true photo and the k nearest photos under each of two models, the true one framed."""
    test = next(iter(searches.values())).test
    supervised, joint = (search.ranks for search in searches.values())
    chosen = choose_queries(supervised, joint, test.sketch_ids, count)
    rows = np.array([row for row, _ in chosen])
    nearest = {name: search.nearest(rows, k) for name, search in searches.items()}
    shown = np.unique(np.concatenate([test.truth[rows], *(found.ravel() for found in nearest.values())]))
    shown = shown[shown >= 0]
    photos = dict(zip(shown.tolist(), test.pixels(shown, DISPLAY), strict=True))

    cell, label = 72, 92
    tall = len(searches) * cell + (len(searches) - 1) * GAP
    block, left = tall + 30, MARGIN + 2 * (tall + GAP) + label
    sheet = Sheet(left + k * (cell + GAP) + MARGIN, MARGIN + 18 + len(chosen) * block)
    for x, words in ((MARGIN, "sketch"), (MARGIN + tall + GAP, "its photo"), (left, f"nearest {k} photos")):
        sheet.text(x, MARGIN, words, colour=QUIET, weight="bold")
    for number, (row, caption) in enumerate(chosen):
        top, truth = MARGIN + 34 + number * block, test.truth[row]
        sheet.text(MARGIN, top - 10, caption, colour=QUIET, size=8)
        sheet.image(MARGIN, top, sketch_picture(test.sketches[row], tall))
        sheet.image(MARGIN + tall + GAP, top, resized(photos[truth], tall))
        for line, (model, search) in enumerate(searches.items()):
            x, y, rank = left - label + GAP, top + line * (cell + GAP), search.ranks[row]
            sheet.text(x, y + cell / 2 - 8, model, size=8)
            sheet.text(x, y + cell / 2 + 8, f"rank {rank}", size=9, weight="bold", colour=RIGHT if rank == 1 else WRONG)
            for place, photo in enumerate(nearest[model][number]):
                if photo >= 0:
                    x = left + place * (cell + GAP)
                    sheet.image(x, y, resized(photos[photo], cell))
                    if photo == truth:
                        sheet.frame(x, y, cell, cell, RIGHT, 4)
    sheet.save(path)


def drawing_sheet(
    path: Path,
    test: EvaluationSet,
    generator: AnyGenerator,
    *,
    count: int,
    temperature: float,
    seed: int,
    compute: Compute,
    stages: int = 5,
) -> None:
    """Photos with their sketch at stages of its drawing and where G looked meanwhile, as in paper 1's Figure 3.

    A G without attention looks nowhere. New lines of a stage are red.
    """
    rows = shuffled(test.photo_ids)[:count]
    inputs = test.photo_inputs(generator.level)(rows)
    watched = watch_drawings(generator, inputs, temperature=temperature, seed=seed, compute=compute)
    cell, across, lines = 96, 2, 1 if watched[0].attention is None else 2
    width, height = (stages + 1) * (cell + GAP) + 2 * MARGIN, lines * cell + GAP + 24
    sheet = Sheet(across * width, MARGIN + -(-len(rows) // across) * height)
    for number, (photo, (sequence, attention)) in enumerate(zip(test.pixels(rows, DISPLAY), watched, strict=True)):
        x, y = (number % across) * width + MARGIN, MARGIN + (number // across) * height
        photo = resized(photo, cell)
        sheet.image(x, y, photo)
        before = 0
        for stage in range(stages):
            end = max(before + 1, round(len(sequence) * (stage + 1) / stages)) if len(sequence) else 0
            place = x + (stage + 1) * (cell + GAP)
            sheet.image(place, y + (lines - 1) * cell, _progress(sequence, min(before, end), end, cell))
            if attention is not None:
                sheet.image(place, y, _heat(photo, attention[before:end]))
            if number < across:
                share = f"{100 * (stage + 1) // stages} %"
                sheet.text(place + cell / 2, y + lines * cell + 10, share, colour=QUIET, size=8, ha="center")
            before = end
    sheet.save(path)


def before_after_sheet(path: Path, test: EvaluationSet, judged: Mapping[str, Judged], *, count: int) -> None:
    """Photos with a sketch of the set, where there is one, and G's before and after joint training.

    Under each generated sketch stands the rank of its photo when F looks for it.
    """
    cell, across, rows = 104, 2, shuffled(test.photo_ids)[:count]
    width, height = (2 + len(judged)) * (cell + GAP) + 2 * MARGIN, cell + 24
    sheet = Sheet(across * width, MARGIN + 18 + -(-len(rows) // across) * height)
    for column in range(across):
        for place, words in enumerate(["photo", "sketch", *judged]):
            x = column * width + MARGIN + place * (cell + GAP)
            sheet.text(x, MARGIN, words.replace("_", " "), colour=QUIET, weight="bold", size=8.5)
    for number, (row, photo) in enumerate(zip(rows, test.pixels(rows, DISPLAY), strict=True)):
        x, y = (number % across) * width + MARGIN, MARGIN + 14 + (number // across) * height
        sheet.image(x, y, resized(photo, cell))
        sketch = test.drawn_by_people(row)
        if sketch is not None:
            sheet.image(x + cell + GAP, y, sketch_picture(sketch, cell))
        for place, drawings in enumerate(judged.values(), start=2):
            at, rank = x + place * (cell + GAP), drawings.ranks[row]
            sheet.image(at, y, sketch_picture(drawings.strokes[row], cell))
            colour = RIGHT if rank == 1 else QUIET
            sheet.text(at + cell / 2, y + cell + 9, f"rank {rank}", size=8, colour=colour, ha="center")
    sheet.save(path)


def _progress(sequence: np.ndarray, before: int, end: int, size: int) -> np.ndarray:
    """The first ``end`` points drawn, those from ``before`` on in red: uint8 (size, size, 3)."""
    old, now = (sketch_picture(from_sequence(sequence[:count]), size).astype(np.int16) for count in (before, end))
    fresh = np.clip(old - now, 0, 255)[..., None] / 255
    page = np.repeat(np.minimum(old, now)[..., None], 3, axis=2)
    red = np.array(matplotlib.colors.to_rgb(WRONG)) * 255
    # The darkness that this stage added turns from black to red.
    return np.clip(page + fresh * red, 0, 255).astype(np.uint8)


def _heat(photo: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """The mean of maps (t, h', w') over a pale photo: uint8, as large as the photo."""
    mean = attention.mean(0) if len(attention) else np.zeros(attention.shape[1:])
    mean = mean / max(float(mean.max()), 1e-12)
    large = Image.fromarray(mean.astype(np.float32)).resize(photo.shape[1::-1], Image.Resampling.BICUBIC)
    strength = np.clip(np.asarray(large), 0, 1)[..., None]
    colour = matplotlib.colormaps["inferno_r"](strength[..., 0] * 0.85)[..., :3] * 255
    grey = 128 + photo.mean(2, keepdims=True) / 2
    return (grey * (1 - 0.8 * strength) + colour * 0.8 * strength).astype(np.uint8)
