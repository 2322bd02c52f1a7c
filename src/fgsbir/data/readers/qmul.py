"""Layout ``qmul``: the official release of QMUL-ShoeV2 and -ChairV2.

    <root>/ShoeV2/ShoeV2_photo/<id>.png
    <root>/ShoeV2/ShoeV2_sketch/<id>_<n>.svg
    <root>/ShoeV2/photo_train.txt  photo_test.txt  sketch_train.txt  sketch_test.txt

The lists hold one file name a line. Sketches rendered as PNG are traced where there is no SVG. Photos in neither list
are unlabelled. The root may hold several such folders, or be one itself.
"""

from pathlib import Path

from fgsbir.data.readers.listing import category_name, files_by_stem, namespaced, read_names
from fgsbir.data.readers.unlabelled import FOLDER as UNLABELLED
from fgsbir.data.records import DataError, Photo, Sketch, Skipped, Source, Split
from fgsbir.data.sketch_files import read_drawings

PHOTO_FOLDER = "_photo"
LISTED: tuple[Split, ...] = ("train", "test")
_COUNTS = {
    "chair": {"train_photos": 300, "train_sketches": 964, "test_photos": 100, "test_sketches": 311},
    "shoe": {"train_photos": 1800, "train_sketches": 5982, "test_photos": 200, "test_sketches": 666},
}


def read_qmul(root: Path, trace_tolerance: float) -> Source:
    """Read every set below ``root``; ids are namespaced as ``shoe/<id>`` if there are several."""
    found = (path for pattern in ("*", "*/*") for path in root.glob(pattern + PHOTO_FOLDER) if path.is_dir())
    folders = sorted(path for path in found if path.parent != root / UNLABELLED)
    if not folders:
        raise DataError(f"{root}: expected <set>/<set>{PHOTO_FOLDER}/ (layout qmul), found no such folder")
    source = Source()
    for folder in folders:
        _read_set(folder, len(folders) > 1, trace_tolerance, source)
    return source


def _read_set(photo_folder: Path, several: bool, trace_tolerance: float, source: Source) -> None:
    folder, set_name = photo_folder.parent, photo_folder.name.removesuffix(PHOTO_FOLDER)
    category = category_name(set_name)
    photos = files_by_stem(photo_folder)
    splits = _read_lists(folder, "photo")
    for photo_id, (_, where) in splits.items():
        if photo_id not in photos:
            raise DataError(f"{where}: expected a photo {photo_folder.name}/{photo_id}.png, found none")
    for photo_id, path in photos.items():
        split = splits[photo_id][0] if photo_id in splits else "unlabelled"
        source.photos.append(Photo(namespaced(category, photo_id, several), category, split, path))

    files = _sketch_files(folder, set_name)
    listed = _read_lists(folder, "sketch")
    for sketch_id, (split, where) in listed.items():
        photo_id = sketch_id.rpartition("_")[0]
        if sketch_id not in files:
            raise DataError(f"{where}: expected a sketch {set_name}_sketch/{sketch_id}.svg, found none")
        if splits.get(photo_id, (None,))[0] != split:
            raise DataError(f"{where}: sketch {sketch_id!r}: expected its photo {photo_id!r} in photo_{split}.txt")
    for sketch_id, strokes in read_drawings({id: files[id] for id in listed}, trace_tolerance).items():
        photo = namespaced(category, sketch_id.rpartition("_")[0], several)
        source.sketches.append(Sketch(namespaced(category, sketch_id, several), photo, None, strokes))
    source.skipped += [Skipped.of(path, "in neither list") for id, path in files.items() if id not in listed]
    for count, known in _COUNTS.get(category, {}).items():
        source.known_counts[f"{category}_{count}" if several else count] = known


def _sketch_files(folder: Path, set_name: str) -> dict[str, Path]:
    """The sketches by id: SVG where there is one, otherwise the rendered image."""
    sketches, rendered = folder / f"{set_name}_sketch", folder / f"{set_name}_sketch_png"
    files = files_by_stem(rendered) if rendered.is_dir() else {}
    if sketches.is_dir():
        return files | files_by_stem(sketches) | files_by_stem(sketches, (".svg",))
    if not files:
        raise DataError(f"{sketches}: expected a folder of sketches, found none")
    return files


def _read_lists(folder: Path, kind: str) -> dict[str, tuple[Split, str]]:
    """Map each listed name to its split and to where it stands."""
    listed: dict[str, tuple[Split, str]] = {}
    for split in LISTED:
        path = folder / f"{kind}_{split}.txt"
        for number, name in enumerate(read_names(path), 1):
            if name.name in listed:
                raise DataError(f"{path}: name {number}: {name.name!r} stands also in {listed[name.name][1]}")
            listed[name.name] = split, f"{path}: name {number}"
    return listed
