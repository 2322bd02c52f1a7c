"""Layout ``sketchx``: the SketchX lab's working files of QMUL-ChairV2 and -ShoeV2.

    <root>/ChairV2/ChairV2_Coordinate     pickled dict: "/train/<photo id>_<suffix>" -> (n, 3) numbers
    <root>/ChairV2/photo/<photo id>.png   training and test photos together

The photo id is a key's last part without what follows its last underscore. The ids hold underscores and hyphens
themselves, the suffixes may have several digits or be the names of workers, and the leading slash may be missing. The
root may hold several such folders, or be one itself.
"""

from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from fgsbir.data.files import nfc
from fgsbir.data.readers.listing import category_name, files_by_stem, namespaced
from fgsbir.data.records import DataError, Photo, Sketch, Source, Split
from fgsbir.data.stroke_pickle import load_array_dict
from fgsbir.data.strokes import check_strokes

COORDINATES = "_Coordinate"
MAX_FILE_BYTES = 1 << 30
_KeySplit = Literal["train", "val", "test"]
_COUNTS = {
    "chair": {"train_photos": 300, "train_sketches": 952, "test_photos": 100, "test_sketches": 323},
    "shoe": {"train_photos": 1800, "train_sketches": 5982, "test_photos": 200, "test_sketches": 666},
}


def read_sketchx(root: Path, trace_tolerance: float) -> Source:
    """Read every set below ``root``; ids are namespaced as ``chair/<id>`` if there are several."""
    del trace_tolerance  # these sketches are strokes already
    files = sorted(path for pattern in ("*", "*/*") for path in root.glob(pattern + COORDINATES) if path.is_file())
    if not files:
        raise DataError(f"{root}: expected <set>/<set>{COORDINATES} (layout sketchx), found no such file")
    source = Source()
    for file in files:
        _read_set(file, len(files) > 1, source)
    return source


def _read_set(file: Path, several: bool, source: Source) -> None:
    category = category_name(file.name.removesuffix(COORDINATES))
    paths = files_by_stem(file.parent / "photo")
    splits: dict[str, Split] = {}
    if file.stat().st_size > MAX_FILE_BYTES:
        raise DataError(f"{file}: expected at most {MAX_FILE_BYTES:,} bytes, found {file.stat().st_size:,}")
    for key, array in load_array_dict(file.read_bytes(), str(file)).items():
        split, sketch_id = _parse_key(nfc(key), file)
        photo_id = sketch_id.rpartition("_")[0]
        if photo_id not in paths:
            raise DataError(f"{file}: key {key!r}: expected a photo photo/{photo_id}.png, found none")
        if splits.setdefault(photo_id, split) != split:
            other = splits[photo_id]
            raise DataError(f"{file}: key {key!r}: expected the split of the photo's other sketches, {other}")
        strokes = check_strokes(array, f"{file}: key {key!r}")
        photo = namespaced(category, photo_id, several)
        source.sketches.append(Sketch(namespaced(category, sketch_id, several), photo, None, strokes))
    for photo_id, path in paths.items():
        id = namespaced(category, photo_id, several)
        source.photos.append(Photo(id, category, splits.get(photo_id, "unlabelled"), path))
    for count, known in _COUNTS.get(category, {}).items():
        source.known_counts[f"{category}_{count}" if several else count] = known


def _parse_key(key: str, file: Path) -> tuple[_KeySplit, str]:
    parts = PurePosixPath(key.lstrip("/")).parts
    if len(parts) < 2 or parts[-2] not in get_args(_KeySplit) or not all(parts[-1].rpartition("_")[::2]):
        raise DataError(f"{file}: key {key!r}: expected /train/<photo id>_<number> or /test/<photo id>_<number>")
    return parts[-2], parts[-1]  # type: ignore[return-value]
