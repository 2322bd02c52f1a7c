"""Layout ``folder``: a user's own photos and sketches.

    <root>/photos/<name>.jpg
    <root>/sketches/<name>.svg, or <name>_<k>.svg for several; .json strokes and .png, .jpg, ... alike

Photos without a sketch are unlabelled. All photos are one category, named after the root. A file that cannot be used is
skipped and reported; a folder with nothing but such files is an error.
"""

from pathlib import Path

from fgsbir.data.files import list_files, nfc
from fgsbir.data.readers.listing import files_by_stem
from fgsbir.data.records import DataError, Photo, Sketch, Skipped, Source, as_text
from fgsbir.data.sketch_files import SKETCH_SUFFIXES, read_sketch_files


def read_folder(root: Path, trace_tolerance: float) -> Source:
    """Read the folder; two photos of one name, as a.jpg and a.png, are an error: either could be meant."""
    photos = {name: path for name, path in files_by_stem(root / "photos").items() if as_text(path) == str(path)}
    category = as_text(root.name or root.resolve().name)
    source = Source([Photo(name, category, "train", path) for name, path in photos.items()])
    listing, used = list_files([root / "photos"], follow=True), set(photos.values())
    strays = [path for path in listing.files if path not in used]
    expected = "expected a photo with a suffix of an image, in photos/ itself"
    source.skipped += [*listing.skipped, *(Skipped.of(path, expected) for path in strays)]
    if not (root / "sketches").is_dir():
        raise DataError(f"{root / 'sketches'}: expected a folder of sketches, found none")

    chosen: dict[str, Path] = {}
    listing = list_files([root / "sketches"], follow=True)
    source.skipped += listing.skipped
    for path in sorted(listing.files, key=_preference):
        name, reason = nfc(path.stem), ""
        if path.suffix.lower() not in SKETCH_SUFFIXES or path.parent != root / "sketches":
            reason = f"expected a sketch in sketches/ itself with a suffix of {', '.join(SKETCH_SUFFIXES)}"
        elif name in chosen:
            reason = f"expected one sketch of this name, read {chosen[name].name}"
        elif _photo_name(name, photos) is None:
            reason = f"expected a photo photos/{name.rpartition('_')[0] or name}.jpg, found none"
        else:
            chosen[name] = path
        source.skipped += [Skipped.of(path, reason)] if reason else []
    drawings = read_sketch_files(list(chosen.values()), trace_tolerance)
    for (name, path), drawing in zip(chosen.items(), drawings, strict=True):
        if isinstance(drawing, DataError):
            source.skipped.append(Skipped.of(path, drawing))
        else:
            source.sketches.append(Sketch(name, _photo_name(name, photos) or name, drawing.user, drawing.strokes))
    if not source.sketches:
        bad = [skipped for skipped in source.skipped if "/sketches/" in skipped.path]
        why = f"{Path(bad[0].path).name}: {bad[0].reason}" if bad else "no file"
        raise DataError(f"{root / 'sketches'}: expected sketches, found none that can be used ({why})")
    return source


def _preference(path: Path) -> tuple[int, Path]:
    """Strokes before pixels where one drawing lies there in several forms."""
    suffix = path.suffix.lower()
    return SKETCH_SUFFIXES.index(suffix) if suffix in SKETCH_SUFFIXES else len(SKETCH_SUFFIXES), path


def _photo_name(name: str, photos: dict[str, Path]) -> str | None:
    """The photo of a sketch: of its own name, or of that without what follows its last underscore."""
    names = (name, name.rpartition("_")[0])
    return next((name for name in names if name in photos), None)
