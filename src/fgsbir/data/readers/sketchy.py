"""Layout ``sketchy``: the Sketchy database, 125 categories.

    <root>/256x256/photo/tx_000000000000/<category>/<id>.jpg
    <root>/256x256/sketch/tx_000000000000/<category>/<id>-<k>.png
    <root>/info/testset.txt               photos of the test split, <category>/<id>.jpg
    <root>/info/invalid-*.txt             sketches to leave out, <category>/<id>-<k>
    <root>/sketches/<category>/<id>-<k>.svg     the SVG release, read instead of the images if there

The tx_ folders hold the same pictures placed differently; of several, the untransformed one (all zeros) is read. Ids
are ``<category>/<id>``, as in the lists. Folders ``invalid`` are skipped. The 21 categories that zero-shot and adaptive
work holds out are marked unseen.
"""

from collections.abc import Iterator
from pathlib import Path

from fgsbir.data.photos import PHOTO_SUFFIXES
from fgsbir.data.readers.listing import files_by_stem, read_names
from fgsbir.data.records import DataError, Photo, Sketch, Skipped, Source, Split
from fgsbir.data.sketch_files import read_drawings

# fmt: off
UNSEEN_CATEGORIES = frozenset((
    "bat", "cabin", "cow", "dolphin", "door", "giraffe", "helicopter", "mouse", "pear",
    "raccoon", "rhinoceros", "saw", "scissors", "seagull", "skyscraper",
    "songbird", "sword", "tree", "wheelchair", "windmill", "window",
))
# fmt: on
_COUNTS = {"categories": 125, "unseen_categories": 21, "photos": 12_500, "sketches": 75_471}


def read_sketchy(root: Path, trace_tolerance: float) -> Source:
    """Read all categories; sketches that the lists call invalid are reported as skipped."""
    test = set(_names(root / "info" / "testset.txt"))
    invalid = {name: path.name for path in sorted((root / "info").glob("invalid*.txt")) for name in _names(path)}
    source = Source(known_counts=dict(_COUNTS))
    for folder in _category_folders(_placement(root / "256x256" / "photo")):
        for stem, path in files_by_stem(folder).items():
            id = f"{folder.name}/{stem}"
            split: Split = "test" if id in test else "train"
            source.photos.append(Photo(id, folder.name, split, path, folder.name in UNSEEN_CATEGORIES))
    ids = {photo.id for photo in source.photos}
    if not test & ids:
        raise DataError(f"{root}/info/testset.txt: expected photos of this folder, found none of them")

    svg = root / "sketches"
    place, suffixes = (svg, {".svg"}) if svg.is_dir() else (_placement(root / "256x256" / "sketch"), PHOTO_SUFFIXES)
    files: dict[str, Path] = {}
    for folder in _category_folders(place):
        for stem, path in files_by_stem(folder, suffixes).items():
            id = f"{folder.name}/{stem}"
            if id in invalid:
                source.skipped.append(Skipped.of(path, f"listed in {invalid[id]}"))
            elif id.rpartition("-")[0] not in ids:
                raise DataError(f"{path}: expected its photo {id.rpartition('-')[0]}.jpg, found none")
            else:
                files[id] = path
    for id, strokes in read_drawings(files, trace_tolerance).items():
        unseen = id.partition("/")[0] in UNSEEN_CATEGORIES
        source.sketches.append(Sketch(id, id.rpartition("-")[0], None, strokes, unseen))
    return source


def _placement(folder: Path) -> Path:
    """The tx_ folder to read: the first one, which is the untransformed one if that is there."""
    found = sorted(path for path in folder.glob("tx_*") if path.is_dir())
    if not found:
        raise DataError(f"{folder}: expected a folder tx_000000000000 (layout sketchy), found none")
    return found[0]


def _category_folders(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name != "invalid" and not path.name.startswith("."):
            yield path


def _names(path: Path) -> Iterator[str]:
    """The listed ``<category>/<name>``, without folders before them."""
    for name in read_names(path):
        if len(name.parts) < 2:
            raise DataError(f"{path}: expected lines <category>/<name>, found {str(name)!r:.80}")
        yield f"{name.parts[-2]}/{name.name}"
