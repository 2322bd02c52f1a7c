"""The corrections of an index: kept in its folder, learned from at once, undone, and never for the worse."""

import logging
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
from pydantic import ValidationError

from fgsbir.data.atomic import write_text
from fgsbir.data.records import DataError
from fgsbir.search.adaptation import Adapter
from fgsbir.search.gallery import CORRECTIONS
from fgsbir.search.searcher import Searcher
from fgsbir.web.limits import MAX_CORRECTIONS, MAX_CORRECTIONS_BYTES
from fgsbir.web.messages import Correction, Kept, KeptCorrections, canonical

logger = logging.getLogger(__name__)


class Corrections:
    """What an index has learned: its ``kept`` corrections, oldest first, and the ``searcher`` that they have led to.

    The file ``corrections.json`` in the index's folder holds them; whoever reads it takes it for anybody's. Each says
    what it has made of the search (:meth:`~fgsbir.search.adaptation.Adapter.learn`), so that a restart and an undone
    correction give the search that was there.
    """

    def __init__(self, plain: Searcher, adapter: Adapter) -> None:
        self._plain, self._adapter, self._path = plain, adapter, plain.gallery.folder / CORRECTIONS
        self._lock, self.saved = Lock(), True
        found = read_corrections(self._path)
        self.kept = tuple(each for each in found if plain.gallery.has(each.photo))
        self.searcher = self._as_said() if len(self.kept) == len(found) else self._learned(self.kept, plain)

    def add(self, correction: Correction) -> None:
        """Learn from one more, in place of what was said of the same drawing; the oldest goes where there are too many.

        Raises DataError for an unknown photo and for a drawing that is none.
        """
        with self._lock:
            rest = [each for each in self.kept if each.strokes != correction.strokes][1 - MAX_CORRECTIONS :]
            self.searcher = self._learned((*rest, Kept(**dict(correction), by="before")), self.searcher)
            self._save()

    def remove(self, id: str) -> bool:
        """Take one back, if it is there: the last leaves the search as it was before it."""
        with self._lock:
            rest = tuple(each for each in self.kept if each.id != id)
            if len(rest) == len(self.kept):
                return False
            if rest == self.kept[:-1]:
                self.kept = rest
                self.searcher = self._as_said()
            else:
                self.searcher = self._learned(rest, self._plain)
            self._save()
        return True

    def _learned(self, kept: Sequence[Kept], before: Searcher) -> Searcher:
        """The search that ``kept`` lead to, or ``before`` where it is better for them."""
        if not kept:
            self.kept = ()
            return self._plain
        by, searcher = self._adapter.learn(*_parts(kept), before)
        if by == "before" and before is self._plain:
            by = "none"
        self.kept = (*kept[:-1], kept[-1].model_copy(update={"by": by}))
        return searcher

    @property
    def by(self) -> Literal["none", "statistics", "head"]:
        """How the search has learned."""
        return next((each.by for each in reversed(self.kept) if each.by != "before"), "none")

    def _as_said(self) -> Searcher:
        """The search that the last correction led to, by its own word."""
        count = max((place for place, each in enumerate(self.kept, 1) if each.by != "before"), default=0)
        by = self.by
        return self._plain if by == "none" else self._adapter.adapt(*_parts(self.kept[:count]), by)

    def _save(self) -> None:
        try:
            write_text(self._path, KeptCorrections(corrections=list(self.kept)).model_dump_json())
            self.saved = True
        except OSError as error:  # of a folder that cannot be written to, say; the search has learned all the same
            logger.warning("%s: the corrections cannot be kept (%s)", self._path, error.strerror)
            self.saved = False


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
    except (ValidationError, DataError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        logger.warning("%s: holds no corrections (%s), and is not used", path, reason)
        return []
    return found


def _parts(kept: Sequence[Kept]) -> tuple[list[np.ndarray], list[str]]:
    return [canonical(each.strokes) for each in kept], [each.photo for each in kept]
