"""Finding the files of a data set: photos by id, lists of names. Names are compared in Unicode's form NFC."""

import re
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from fgsbir.data.files import nfc
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
        id = nfc(path.stem)
        if id in found:
            raise DataError(f"{path}: expected one file of id {id!r}, found also {found[id].name}")
        found[id] = path
    return found


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
    names = [PurePosixPath(nfc(line.strip())) for line in lines if line.strip()]
    return [name.with_suffix("") if name.suffix.lower() in (*PHOTO_SUFFIXES, ".svg") else name for name in names]


def category_name(set_name: str) -> str:
    """The category that a set's folder names: "ChairV2" gives "chair"."""
    return re.sub(r"v\d+$", "", set_name.lower()) or set_name.lower()


def namespaced(category: str, id: str, several: bool) -> str:
    """An id that stays unique where ``several`` sets lie side by side; the original one otherwise."""
    return f"{category}/{id}" if several else id
