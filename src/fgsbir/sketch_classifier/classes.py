"""What the sketch classifier learns to tell apart: categories, or photos where there is one category only."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fgsbir.data.index import PhotoEntry
from fgsbir.data.selection import is_labelled, seen_sketches
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import centre


class SketchClasses(NamedTuple):
    """Centred training sketches with their classes, int64, and held-out ones of the validation photos.

    ``photos`` counts the training photos. ``kind`` is "categories" or "photos"; with photos nothing is held out, as no
    other photo has the same class.
    """

    kind: str
    names: list[str]
    photos: int
    sketches: list[np.ndarray]
    classes: np.ndarray
    held_out: list[np.ndarray]
    held_out_classes: np.ndarray


def sketch_classes(store: ShardStore, labelled_frac: float) -> SketchClasses:
    """Collect the sketches of all seen categories by seen users.

    Sketches of test photos, and of training photos that ``labelled_frac`` makes unlabelled, are not read.
    """
    drawn = [entry for entry in store.photos if seen_sketches(entry)]
    training = [entry for entry in drawn if is_labelled(entry, labelled_frac)]
    validation = [entry for entry in drawn if entry.split == "val"]
    several = len({entry.category for entry in [*training, *validation]}) > 1
    if not several:
        validation = []
    names = sorted({entry.category if several else entry.id for entry in [*training, *validation]})
    numbers = {name: number for number, name in enumerate(names)}

    def classified(entries: Sequence[PhotoEntry]) -> tuple[list[np.ndarray], np.ndarray]:
        sketches, classes, strokes = [], [], store.strokes_of(entries)
        for entry in entries:
            for place in seen_sketches(entry):
                sketches.append(centre(strokes[entry.id][place]))
                classes.append(numbers[entry.category if several else entry.id])
        return sketches, np.array(classes, np.int64)

    kind = "categories" if several else "photos"
    return SketchClasses(kind, names, len(training), *classified(training), *classified(validation))
