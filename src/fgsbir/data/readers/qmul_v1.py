"""Layout ``qmul_v1``: the first QMUL sets, "Sketch Me That Shoe", one raster sketch a photo.

    <root>/shoes/train/images/<n>.jpg
    <root>/shoes/train/sketches/<n>.png     the same n is a pair; test/ alike, chairs/ alike

There are no strokes, so the sketches are traced. The numbers repeat between the categories, so ids are ``shoes/12``;
where they repeat between training and test as well, ``shoes/test/12``.
"""

from pathlib import Path

from fgsbir.data.readers.listing import files_by_stem
from fgsbir.data.records import DataError, Photo, Sketch, Source, Split
from fgsbir.data.sketch_files import read_drawings

CATEGORIES = ("chairs", "shoes")
SPLIT_FOLDERS: tuple[Split, ...] = ("train", "test")
_COUNTS = {
    "shoes": {"train_photos": 304, "train_sketches": 304, "test_photos": 115, "test_sketches": 115},
    "chairs": {"train_photos": 200, "train_sketches": 200, "test_photos": 97, "test_sketches": 97},
}


def read_qmul_v1(root: Path, trace_tolerance: float) -> Source:
    """Read ``shoes``, ``chairs`` or both, whichever folders there are."""
    found = [category for category in CATEGORIES if (root / category).is_dir()]
    if not found:
        raise DataError(f"{root}: expected shoes/ or chairs/ (layout qmul_v1), found neither")
    source = Source()
    for category in found:
        photos = {split: files_by_stem(root / category / split / "images") for split in SPLIT_FOLDERS}
        repeated = bool(set(photos["train"]) & set(photos["test"]))
        for split in SPLIT_FOLDERS:
            prefix = f"{category}/{split}/" if repeated else f"{category}/"
            sketches = files_by_stem(root / category / split / "sketches")
            for number, path in sketches.items():
                if number not in photos[split]:
                    raise DataError(f"{path}: expected its photo images/{number}.jpg beside sketches/, found none")
            source.photos += [Photo(prefix + number, category, split, path) for number, path in photos[split].items()]
            drawings = read_drawings(sketches, trace_tolerance)
            source.sketches += [Sketch(prefix + n, prefix + n, None, strokes) for n, strokes in drawings.items()]
        source.known_counts |= {f"{category}_{count}": known for count, known in _COUNTS[category].items()}
    return source
