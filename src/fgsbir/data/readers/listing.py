"""Finding the files of a data set: photos by id, images at any depth, lists of names."""

import os
import re
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from fgsbir.data.photos import PHOTO_SUFFIXES
from fgsbir.data.records import DataError


def files_by_stem(folder: Path, suffixes: Collection[str] = PHOTO_SUFFIXES) -> dict[str, Path]:
    """Map the name without its last suffix to the file, for the files of ``folder`` with one of ``suffixes``.

    In the order of the names. Raises DataError for a missing folder and for two files of one stem, as a.jpg and a.png:
    both would have the same id.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder, found {'a file' if folder.exists() else 'nothing'}")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in suffixes or not path.is_file():
            continue
        if path.stem in found:
            raise DataError(f"{path}: expected one file of id {path.stem!r}, found also {found[path.stem].name}")
        found[path.stem] = path
    return found


def files_below(folder: Path) -> list[Path]:
    """Every file below ``folder`` at any depth, sorted; hidden ones are left out, links to folders followed."""
    found = []
    visited = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        # A link to a folder above would otherwise be followed for ever.
        folders[:] = [] if real in visited else sorted(name for name in folders if not name.startswith("."))
        if real not in visited:
            found += [Path(parent, name) for name in names if not name.startswith(".")]
        visited.add(real)
    return sorted(found)


def read_text(path: Path, expected: str) -> str:
    """The text of a file in UTF-8; raises DataError that says what was ``expected`` if it is missing or no text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: expected {expected}, found none ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: expected {expected}, found bytes that are no UTF-8") from None


def read_names(path: Path) -> list[PurePosixPath]:
    """The names of a list, one a line, without the suffix of a picture; errors as of :func:`read_text`."""
    lines = read_text(path, "a text file with one name a line").splitlines()
    names = [PurePosixPath(line.strip()) for line in lines if line.strip()]
    return [name.with_suffix("") if name.suffix.lower() in (*PHOTO_SUFFIXES, ".svg") else name for name in names]


def category_name(set_name: str) -> str:
    """The category that a set's folder names: "ChairV2" gives "chair"."""
    return re.sub(r"v\d+$", "", set_name.lower()) or set_name.lower()


def namespaced(category: str, id: str, several: bool) -> str:
    """An id that stays unique where ``several`` sets lie side by side; the original one otherwise."""
    return f"{category}/{id}" if several else id
