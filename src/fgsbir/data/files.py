"""Files that anyone may have put there: finding them, their names, and reading no more than a bound."""

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fgsbir.data.records import DataError, Skipped, as_text

# What cameras, network drives and systems keep beside a person's files, in small letters.
SYSTEM = frozenset(
    [
        *("@eadir", "#recycle", "#snapshot", "__macosx", "$recycle.bin", "system volume information", "lost+found"),
        *("thumbs.db", "desktop.ini"),
    ]
)
NO_UTF_8 = "expected a name in UTF-8"
_NUMBERED = re.compile(r"(.+\.(?:ndjson|npz)):([1-9]\d{0,8})", re.DOTALL)


@dataclass(slots=True)
class Listing:
    """What lies in some folders: ``files``, by path; ``skipped``, what cannot be used; and ``others``, how many there
    are of each kind that is left out: suffixes in capitals, hidden and system files, linked folders.
    """

    files: list[Path] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def nfc(text: str) -> str:
    """A name as it is compared: a Mac writes an accent as a letter of its own (NFD), other systems do not."""
    return unicodedata.normalize("NFC", text)


def list_files(roots: Iterable[Path], suffixes: Collection[str] | None = None, *, follow: bool = False) -> Listing:
    """Every file in ``roots``, files or folders, at any depth, with one of ``suffixes`` in small letters (None: any).

    Hidden and system files are left out, and links to folders unless ``follow``; a folder is gone through once, however
    many links lead to it. A name that is no UTF-8 is skipped. Raises DataError for a root that is not there.
    """
    listing, visited = Listing(), set[str]()

    def take(path: Path, wanted: Collection[str] | None) -> None:
        if wanted is not None and path.suffix.lower() not in wanted:
            listing.others[path.suffix[1:].upper() or "no suffix"] += 1
        elif as_text(path) != str(path):
            listing.skipped.append(Skipped(as_text(path), NO_UTF_8))
        else:
            listing.files.append(path)

    def unreadable(error: OSError) -> None:
        listing.skipped.append(Skipped(as_text(error.filename), f"cannot be read ({error.strerror})"))

    for root in roots:
        if root.is_file():
            take(root, None)
            continue
        if not root.is_dir():
            raise DataError(f"{root}: expected a file or a folder, found nothing")
        for folder, folders, names in os.walk(root, followlinks=follow, onerror=unreadable):
            real = os.path.realpath(folder)
            if real in visited:
                folders.clear()
                continue
            visited.add(real)
            for name in names:
                if _is_hidden(name):
                    listing.others["hidden or system file"] += 1
                else:
                    take(Path(folder, name), suffixes)
            hidden = [name for name in folders if _is_hidden(name)]
            linked = [name for name in folders if name not in hidden and not follow and Path(folder, name).is_symlink()]
            listing.others += {"hidden or system folder": len(hidden), "linked folder": len(linked)}
            folders[:] = sorted(set(folders) - {*hidden, *linked})
    listing.files = sorted(set(listing.files))
    return listing


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM


def read_file(path: Path, limit: int, expected: str) -> bytes:
    """The bytes of a file of at most ``limit`` bytes; ``expected`` says what it should be.

    Raises DataError naming ``path`` for one that is larger, is no file, or cannot be read.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would keep its reader waiting for ever
            raise DataError(f"{path}: cannot be read (expected {expected}, found no file)")
        if found.st_size > limit:
            raise DataError(f"{path}: expected {expected} of at most {limit:,} bytes, found {found.st_size:,}")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def numbered(path: Path) -> tuple[Path, int]:
    """A file's path, and which of its drawings is meant, from 1, as in ``drawings.ndjson:12``."""
    named = _NUMBERED.fullmatch(str(path))
    return (Path(named[1]), int(named[2])) if named else (path, 1)
