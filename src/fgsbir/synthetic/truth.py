"""The sketches that people would draw of the default set's unlabelled photos: what perfect pseudo sketches would be."""

from collections.abc import Sequence

import numpy as np

from fgsbir.data.index import Index
from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre
from fgsbir.synthetic.dice import Dice
from fgsbir.synthetic.sketch import draw_sketch


def true_sketches(index: Index, photo_ids: Sequence[str], *, seed: int) -> list[list[np.ndarray]]:
    """One sketch of each photo, centred, by one of the users who drew the training photos; ``seed`` is the data set's.

    Raises DataError for a set that was not drawn by program.
    """
    if index.layout != "synthetic":
        raise DataError(
            f"true sketches are known of the default data set alone, found one of the layout {index.layout}"
        )
    training = [sketch for photo in index.photos if photo.split == "train" for sketch in photo.sketches]
    users = sorted({sketch.user for sketch in training if sketch.user and not sketch.unseen})
    drawn_by = [Dice(seed, name, "truth").shuffled(users)[0] for name in photo_ids]
    return [[centre(draw_sketch(name, user, seed=seed))] for name, user in zip(photo_ids, drawn_by, strict=True)]
