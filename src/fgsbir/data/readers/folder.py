"""Layout ``folder``: a user's own photos and sketches.

    <root>/photos/<name>.jpg
    <root>/sketches/<name>.svg, or <name>_<k>.svg for several; .json strokes and .png, .jpg, ... alike

Photos without a sketch are unlabelled. All photos are one category, named after the root. A file that cannot be used is
skipped and reported; a folder with nothing but such files is an error.
"""

from pathlib import Path

from fgsbir.data.readers.listing import files_below, files_by_stem
from fgsbir.data.readers.sketch_files import SKETCH_SUFFIXES, read_sketch_files
from fgsbir.data.records import DataError, Photo, Sketch, Skipped, Source


def read_folder(root: Path, trace_tolerance: float) -> Source:
    """Read the folder; two photos of one name, as a.jpg and a.png, are an error: either could be meant."""
    photos = files_by_stem(root / "photos")
    category = root.name or root.resolve().name
    source = Source([Photo(name, category, "train", path) for name, path in photos.items()])
    used = set(photos.values())
    for path in files_below(root / "photos"):
        if path not in used:
            _skip(source, path, "expected a photo with a suffix of an image, in photos/ itself")
    if not (root / "sketches").is_dir():
        raise DataError(f"{root / 'sketches'}: expected a folder of sketches, found none")

    chosen: dict[str, Path] = {}
    for path in sorted(files_below(root / "sketches"), key=_preference):
        if path.suffix.lower() not in SKETCH_SUFFIXES or path.parent != root / "sketches":
            _skip(source, path, f"expected a sketch in sketches/ itself with a suffix of {', '.join(SKETCH_SUFFIXES)}")
        elif path.stem in chosen:
            _skip(source, path, f"expected one sketch of this name, read {chosen[path.stem].name}")
        elif _photo_name(path.stem, photos) is None:
            _skip(source, path, f"expected a photo photos/{path.stem.rpartition('_')[0] or path.stem}.jpg, found none")
        else:
            chosen[path.stem] = path
    drawings = read_sketch_files(list(chosen.values()), trace_tolerance)
    for (stem, path), drawing in zip(chosen.items(), drawings, strict=True):
        if isinstance(drawing, DataError):
            _skip(source, path, str(drawing))
        else:
            source.sketches.append(Sketch(stem, _photo_name(stem, photos) or stem, drawing[1], drawing[0]))
    if not source.sketches:
        bad = [skipped for skipped in source.skipped if "/sketches/" in skipped.path]
        why = f"{Path(bad[0].path).name}: {bad[0].reason}" if bad else "no file"
        raise DataError(f"{root / 'sketches'}: expected sketches, found none that can be used ({why})")
    return source


def _preference(path: Path) -> tuple[int, Path]:
    """Strokes before pixels where one drawing lies there in several forms."""
    suffix = path.suffix.lower()
    return SKETCH_SUFFIXES.index(suffix) if suffix in SKETCH_SUFFIXES else len(SKETCH_SUFFIXES), path


def _photo_name(stem: str, photos: dict[str, Path]) -> str | None:
    """The photo of a sketch: of its own name, or of that without what follows its last underscore."""
    names = (stem, stem.rpartition("_")[0])
    return next((name for name in names if name in photos), None)


def _skip(source: Source, path: Path, reason: str) -> None:
    source.skipped.append(Skipped(str(path), reason.removeprefix(f"{path}: ")))
