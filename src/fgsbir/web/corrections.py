"""The corrections of an index: kept in its folder, learned from at once, undone, and never for the worse."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
from pydantic import ValidationError

from fgsbir.data.atomic import write_text
from fgsbir.data.records import DataError
from fgsbir.search.adaptation import Adapter
from fgsbir.search.gallery import CORRECTIONS, INDEX
from fgsbir.search.searcher import Searcher
from fgsbir.web.limits import MAX_CORRECTIONS, MAX_CORRECTIONS_BYTES
from fgsbir.web.messages import Correction, Displaced, Kept, KeptCorrections, canonical

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taught:
    """The ``kept`` corrections of an index, oldest first, and the ``searcher`` that they have led to."""

    kept: tuple[Kept, ...]
    searcher: Searcher

    @property
    def by(self) -> Literal["none", "statistics", "head"]:
        """How the search has learned."""
        return _said(self.kept)[0]

    @property
    def version(self) -> str:
        """A name of what is kept, another once that has changed."""
        return hashlib.sha256("".join(each.id + each.by for each in self.kept).encode()).hexdigest()[:16]

    @property
    def learned(self) -> int:
        """How many of ``kept``, from the oldest on, the search has learned from."""
        by, count = _said(self.kept)
        return 0 if by == "none" else count


class Corrections:
    """What an index has been ``taught``: replaced as a whole, so that whoever reads it once has what belongs together.

    The file ``corrections.json`` in the index's folder holds them; whoever reads it takes it for anybody's. Each says
    what it has made of the search (:meth:`~fgsbir.search.adaptation.Adapter.learn`), so that a restart and an undone
    correction give the search that was there. Another server of the same index may write it, too.
    """

    def __init__(self, plain: Searcher, adapter: Adapter) -> None:
        self._plain, self._adapter, self._path = plain, adapter, plain.gallery.folder / CORRECTIONS
        self._lock, self.saved = Lock(), True
        self._stamp, self.taught = _stamp(self._path), self._read()

    def add(self, correction: Correction) -> None:
        """Learn from one more, in place of what was said of the same drawing; the oldest goes where there are too many.

        Raises DataError for an unknown photo and for a drawing that is none.
        """
        with self._lock:
            self._renew()
            kept, before, displaced = self.taught.kept, self.taught.searcher, None
            gone = 0 if len(kept) == MAX_CORRECTIONS else None
            gone = next((place for place, each in enumerate(kept) if each.strokes == correction.strokes), gone)
            if gone is not None:
                # Without what it had displaced itself: that would never end.
                displaced = Displaced(**kept[gone].model_dump(exclude={"displaced"}), place=gone)
                kept = (*kept[:gone], *kept[gone + 1 :])
                before = self._as_said(kept).searcher  # one that has not learned from what goes
            self.taught = self._learned((*kept, Kept(**dict(correction), by="before", displaced=displaced)), before)
            self._save()

    def remove(self, id: str) -> bool:
        """Take one back, if it is there: the last leaves all as it was before it, with what it had displaced."""
        with self._lock:
            self._renew()
            kept = self.taught.kept
            rest = tuple(each for each in kept if each.id != id)
            if len(rest) == len(kept):
                return False
            if rest == kept[:-1]:
                back = kept[-1].displaced
                if back and self._plain.gallery.has(back.photo):
                    again = Kept(**back.model_dump(exclude={"place"}))
                    rest = (*rest[: back.place], again, *rest[back.place :])
                self.taught = self._as_said(rest)
            else:
                self.taught = self._learned(rest, self._plain)
            self._save()
        return True

    def _read(self) -> Taught:
        found = read_corrections(self._path)
        kept = tuple(each for each in found if self._plain.gallery.has(each.photo))
        return self._as_said(kept) if len(kept) == len(found) else self._learned(kept, self._plain)

    def _renew(self) -> None:
        """Take over what another server has written since."""
        stamp = _stamp(self._path)
        if stamp not in (None, self._stamp):
            self._stamp, self.taught = stamp, self._read()

    def _learned(self, kept: Sequence[Kept], before: Searcher) -> Taught:
        """With the search that ``kept`` lead to, or ``before`` where it is better for them."""
        if not kept:
            return Taught((), self._plain)
        by, searcher = self._adapter.learn(*_parts(kept), before)
        if by == "before" and before is self._plain:
            by = "none"
        return Taught((*kept[:-1], kept[-1].model_copy(update={"by": by})), searcher)

    def _as_said(self, kept: tuple[Kept, ...]) -> Taught:
        """With the search that the last of ``kept`` led to, by its own word."""
        by, count = _said(kept)
        return Taught(kept, self._plain if by == "none" else self._adapter.adapt(*_parts(kept[:count]), by))

    def _save(self) -> None:
        kept = KeptCorrections(corrections=list(self.taught.kept))
        try:
            (self._path.parent / INDEX).stat()  # an index that was deleted does not come back as a folder that is none
            write_text(self._path, kept.model_dump_json(exclude_none=True))
            self._stamp, self.saved = _stamp(self._path), True
        except OSError as error:  # of a folder that cannot be written to, say; the search has learned all the same
            logger.warning("%s: the corrections cannot be kept (%s)", self._path, error.strerror)
            self.saved = False


def _stamp(path: Path) -> tuple[int, int] | None:
    """What names the present content of a file, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def read_corrections(path: Path) -> list[Kept]:
    """What is kept in a file, or nothing where there is none, or it is not what :class:`Corrections` writes."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CORRECTIONS_BYTES + 1)
    except OSError:
        return []
    try:
        if len(data) > MAX_CORRECTIONS_BYTES:
            raise DataError(f"expected at most {MAX_CORRECTIONS_BYTES:,} bytes")
        found = KeptCorrections.model_validate_json(data).corrections
        for each in found:
            canonical(each.strokes)
            if each.displaced:
                canonical(each.displaced.strokes)
    except (ValidationError, DataError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        logger.warning("%s: holds no corrections (%s), and is not used", path, reason)
        return []
    return found


def _said(kept: Sequence[Kept]) -> tuple[Literal["none", "statistics", "head"], int]:
    """How the search has learned by the last word of ``kept``, and how many of them had been there then."""
    for count in range(len(kept), 0, -1):
        by = kept[count - 1].by
        if by != "before":
            return by, count
    return "none", 0


def _parts(kept: Sequence[Kept]) -> tuple[list[np.ndarray], list[str]]:
    return [canonical(each.strokes) for each in kept], [each.photo for each in kept]
