"""Picture sheets: what F retrieves and what G draws. Photos are uint8 (n, s, s, 3), sketches canonical strokes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from fgsbir.data.sheet import QUIET, RIGHT, WRONG, Sheet, resized, sketch_picture
from fgsbir.data.strokes import from_sequence

MARGIN, GAP = 14, 6


@dataclass(frozen=True, slots=True)
class Retrieved:
    """One query of a retrieval sheet: its sketch, its true photo and, for each model, its rank and nearest photos.

    ``nearest`` maps a model's name to rows of the gallery, nearest first (-1: the gallery is smaller);
    ``caption`` says what the query stands for.
    """

    caption: str
    strokes: np.ndarray
    truth: int
    ranks: Mapping[str, int]
    nearest: Mapping[str, np.ndarray]


def retrieval_sheet(path: Path, queries: Sequence[Retrieved], photos: Mapping[int, np.ndarray]) -> None:
    """Each query with its true photo and the nearest photos under each model, the true one framed.

    ``photos`` gives the pixels of every gallery row that is shown.
    """
    cell, label = 72, 92
    models = list(queries[0].ranks)
    columns = max(len(rows) for query in queries for rows in query.nearest.values())
    tall = len(models) * cell + (len(models) - 1) * GAP
    block = tall + 30
    left = MARGIN + 2 * (tall + GAP) + label
    sheet = Sheet(left + columns * (cell + GAP) + MARGIN, MARGIN + 18 + len(queries) * block)
    for x, words in ((MARGIN, "sketch"), (MARGIN + tall + GAP, "its photo"), (left, f"nearest {columns} photos")):
        sheet.text(x, MARGIN, words, colour=QUIET, weight="bold")
    for row, query in enumerate(queries):
        top = MARGIN + 18 + row * block
        sheet.text(MARGIN, top + 6, query.caption, colour=QUIET, size=8)
        top += 16
        sheet.image(MARGIN, top, sketch_picture(query.strokes, tall))
        sheet.image(MARGIN + tall + GAP, top, resized(photos[query.truth], tall))
        for line, model in enumerate(models):
            y = top + line * (cell + GAP)
            rank = query.ranks[model]
            x = left - label + GAP
            sheet.text(x, y + cell / 2 - 8, model, size=8)
            sheet.text(x, y + cell / 2 + 8, f"rank {rank}", size=9, weight="bold", colour=RIGHT if rank == 1 else WRONG)
            for place, photo in enumerate(query.nearest[model]):
                if photo >= 0:
                    x = left + place * (cell + GAP)
                    sheet.image(x, y, resized(photos[int(photo)], cell))
                    if photo == query.truth:
                        sheet.frame(x, y, cell, cell, RIGHT, 4)
    sheet.save(path)


def drawing_sheet(
    path: Path,
    photos: np.ndarray,
    sequences: Sequence[np.ndarray],
    attention: Sequence[np.ndarray] | None,
    *,
    stages: int = 5,
) -> None:
    """Photos with their sketch at stages of its drawing and where G looked meanwhile, as in paper 1's Figure 3.

    ``sequences[i]`` (t_i, 5) is a drawing in canvas pixels up to its end; ``attention[i]`` (t_i, h', w') the
    attention of each of its points, None for a generator without. New lines of a stage are red.
    """
    cell, across = 96, 2
    lines = 2 if attention is not None else 1
    width, height = (stages + 1) * (cell + GAP) + 2 * MARGIN, lines * cell + GAP + 24
    sheet = Sheet(across * width, MARGIN + -(-len(photos) // across) * height)
    for number, (photo, sequence) in enumerate(zip(photos, sequences, strict=True)):
        x, y = (number % across) * width + MARGIN, MARGIN + (number // across) * height
        photo = resized(photo, cell)
        sheet.image(x, y, photo)
        before = 0
        for stage in range(stages):
            end = max(before + 1, round(len(sequence) * (stage + 1) / stages)) if len(sequence) else 0
            place = x + (stage + 1) * (cell + GAP)
            sheet.image(place, y + (lines - 1) * cell, _progress(sequence, min(before, end), end, cell))
            if attention is not None:
                sheet.image(place, y, _heat(photo, attention[number][before:end]))
            if number < across:
                share = f"{100 * (stage + 1) // stages} %"
                sheet.text(place + cell / 2, y + lines * cell + 10, share, colour=QUIET, size=8, ha="center")
            before = end
    sheet.save(path)


def before_after_sheet(
    path: Path,
    photos: np.ndarray,
    human: Sequence[np.ndarray | None],
    drawn: Mapping[str, Sequence[np.ndarray]],
    ranks: Mapping[str, np.ndarray],
) -> None:
    """Photos with a sketch of the set, where there is one, and G's before and after joint training.

    Under each generated sketch stands the rank of its photo when F looks for it.
    """
    cell, across = 104, 2
    width, height = (2 + len(drawn)) * (cell + GAP) + 2 * MARGIN, cell + 24
    sheet = Sheet(across * width, MARGIN + 18 + -(-len(photos) // across) * height)
    for column in range(across):
        for place, words in enumerate(["photo", "sketch", *drawn]):
            x = column * width + MARGIN + place * (cell + GAP)
            sheet.text(x, MARGIN, words, colour=QUIET, weight="bold", size=8.5)
    for number, photo in enumerate(photos):
        x, y = (number % across) * width + MARGIN, MARGIN + 14 + (number // across) * height
        sheet.image(x, y, resized(photo, cell))
        sketch = human[number]
        if sketch is not None:
            sheet.image(x + cell + GAP, y, sketch_picture(sketch, cell))
        for place, name in enumerate(drawn, start=2):
            at = x + place * (cell + GAP)
            sheet.image(at, y, sketch_picture(drawn[name][number], cell))
            rank = int(ranks[name][number])
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
