"""An index as the page shows it: by folder and path, near copies grouped; and whether a query is like any photo."""

import os
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Thread
from weakref import WeakKeyDictionary

import numpy as np

from fgsbir.adaptation.scribbles import scribbles
from fgsbir.data.files import nfc
from fgsbir.data.photos import read_pixels
from fgsbir.data.records import DataError
from fgsbir.search.adaptation import Adapter
from fgsbir.search.searcher import Searcher
from fgsbir.web.corrections import Corrections

# Near copies, a photo in another size or compression: F finds them alike, and then their pixels decide.
NEAR, SAME, VIEW = 0.6, 0.98, 64
FLAT = 4  # levels of 255 that a picture of one colour may differ by
VIEWS = 8192
PAIRS = 1000


class Collection:
    """The photos of ``searcher``, and what adapts them. Another index in their folder is another collection."""

    def __init__(self, searcher: Searcher, adapter: Adapter | None) -> None:
        self.searcher, self.gallery = searcher, searcher.gallery
        self.corrections = Corrections(searcher, adapter) if adapter else None
        self.version = self.gallery.version
        self.view = lru_cache(VIEWS)(self._view)
        self._unlike = WeakKeyDictionary[Searcher, dict[bool, float]]()
        # Or else the first drawing, or correction, would wait for these.
        Thread(target=self.unlike, args=(searcher, True)).start()
        if adapter:
            Thread(target=adapter.prepare).start()

    def renewed(self) -> "Collection":
        """The index that lies there now. Raises DataError where it cannot be used."""
        searcher = Searcher.open(self.gallery.folder)
        return Collection(searcher, Adapter.of(searcher))

    @cached_property
    def root(self) -> str:
        """The folder that all photos lie in."""
        paths = [path for copies in self.gallery.all_paths() for path in copies]
        return os.path.commonpath([Path(os.fsdecode(path)).parent for path in (min(paths), max(paths))])

    @cached_property
    def rows_by_folder(self) -> dict[str, list[int]]:
        """The rows of the photos in each folder itself, by its path below the root; the root's is empty."""
        rows = dict[str, list[int]]()
        for row, paths in enumerate(self.gallery.all_paths()):
            for folder in {self.folder(os.fsdecode(path)) for path in paths}:
                rows.setdefault(folder, []).append(row)
        return rows

    @cached_property
    def by_path(self) -> np.ndarray:
        """The rows, by path: int64 (n,)."""
        paths = self.gallery.all_paths()
        return np.array(sorted(range(len(paths)), key=lambda row: paths[row]), np.int64)

    def folder(self, path: str) -> str:
        """The folder of a photo, below the root."""
        return nfc(text(path.rpartition("/")[0][len(self.root) :].strip("/")))

    def folders(self) -> dict[str, int]:
        """How many photos lie in each folder and below it."""
        inside = dict[str, set[int]]()
        for folder, rows in self.rows_by_folder.items():
            parts = folder.split("/") if folder else []
            for depth in range(1, len(parts) + 1):
                inside.setdefault("/".join(parts[:depth]), set()).update(rows)
        return {folder: len(rows) for folder, rows in sorted(inside.items())}

    def inside(self, wanted: str) -> np.ndarray:
        """Which photos lie in a folder or below it: bool (n,)."""
        wanted = nfc(wanted)
        among = np.zeros(len(self.gallery), bool)
        for folder, rows in self.rows_by_folder.items():
            if folder == wanted or folder.startswith(f"{wanted}/"):
                among[rows] = True
        return among

    def copies(self, rows: np.ndarray, start: int) -> dict[int, int]:
        """Those of ``rows`` (n,) from ``start`` on that are nearly copies of one before them, and of which."""
        known, found = self.gallery.embeddings[rows], dict[int, int]()
        for place in range(start, len(rows)):
            far = np.linalg.norm(known[:place] - known[place], axis=1)
            near = [int(rows[number]) for number in np.argsort(far)[:2] if far[number] <= NEAR]
            same = next((row for row in near if self._same(row, int(rows[place]))), None)
            if same is not None:
                found[int(rows[place])] = same
        return found

    def _same(self, one: int, other: int) -> bool:
        first, second = self.view(one), self.view(other)
        if first is None or second is None:
            return False
        pair = first.ravel().astype(np.float32), second.ravel().astype(np.float32)
        if all(view.std() for view in pair):
            return bool(np.corrcoef(*pair)[0, 1] >= SAME)
        return bool(np.abs(pair[0] - pair[1]).max() <= FLAT)

    def _view(self, row: int) -> np.ndarray | None:
        """A photo's pixels, uint8 (64, 64, 3); None if it is not there any more."""
        try:
            return read_pixels(self.gallery.photo(row), "the photo", VIEW)
        except DataError:
            return None

    def unlike(self, searcher: Searcher, sketch: bool) -> float:
        """The distance from which on the nearest photo is not like the query.

        Of a ``sketch``, the median distance at which mere scribbles find their nearest photo; of a picture, the median
        distance between random photos.
        """
        known = self._unlike.setdefault(searcher, {})
        if sketch not in known:
            known[sketch] = self._measured_unlike(searcher, sketch)
        return known[sketch]

    def _measured_unlike(self, searcher: Searcher, sketch: bool) -> float:
        if not sketch:
            one, other = np.random.default_rng(0).integers(0, len(self.gallery), (2, PAIRS))
            far = np.linalg.norm(searcher.photos(one) - searcher.photos(other), axis=1)[one != other]
            return float(np.median(far)) if len(far) else float("inf")
        found = searcher.encoder.sketches(scribbles())
        return float(np.median([searcher.nearest(scribble, 1)[1][0] for scribble in found]))


def text(path: str) -> str:
    """A path as text that can be sent: names of files need not be."""
    return os.fsencode(path).decode("utf-8", "replace")
