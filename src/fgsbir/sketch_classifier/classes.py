"""What the sketch classifier learns to tell apart: categories, or photos where there is one category only."""

from dataclasses import dataclass

import numpy as np

from fgsbir.data.selection import is_labelled, seen_sketches
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import centre


@dataclass(frozen=True, slots=True)
class SketchClasses:
    """Centred training sketches with their classes, int64, and held-out ones of the validation photos.

    ``kind`` is "categories" or "photos"; with photos nothing is held out, as no other photo has
    the same class.
    """

    kind: str
    names: list[str]
    sketches: list[np.ndarray]
    classes: np.ndarray
    held_out: list[np.ndarray]
    held_out_classes: np.ndarray


def sketch_classes(store: ShardStore, labelled_frac: float) -> SketchClasses:
    """Collect the sketches of all seen categories by seen users.

    Sketches of test photos, and of training photos that ``labelled_frac`` makes unlabelled, are
    not read.
    """
    entries = [
        entry
        for entry in store.photos
        if seen_sketches(entry) and (entry.split == "val" or is_labelled(entry, labelled_frac))
    ]
    several = len({entry.category for entry in entries}) > 1
    if not several:
        entries = [entry for entry in entries if entry.split == "train"]
    names = sorted({entry.category if several else entry.id for entry in entries})
    number = {name: row for row, name in enumerate(names)}
    sketches: dict[str, list[np.ndarray]] = {"train": [], "val": []}
    classes: dict[str, list[int]] = {"train": [], "val": []}
    for entry in entries:
        strokes = store.read_strokes(entry)
        for place in seen_sketches(entry):
            sketches[entry.split].append(centre(strokes[place]))
            classes[entry.split].append(number[entry.category if several else entry.id])
    return SketchClasses(
        kind="categories" if several else "photos",
        names=names,
        sketches=sketches["train"],
        classes=np.array(classes["train"], np.int64),
        held_out=sketches["val"],
        held_out_classes=np.array(classes["val"], np.int64),
    )
