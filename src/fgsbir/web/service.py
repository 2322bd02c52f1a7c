"""What the API does, without HTTP: every method is called in a thread of its own."""

import secrets
import time
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock

import numpy as np
from starlette.exceptions import HTTPException

from fgsbir.data.readers.json_strokes import parse_strokes
from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, centre, simplify, split_strokes
from fgsbir.search.adaptation import Adapter
from fgsbir.search.queries import read_query_bytes
from fgsbir.search.searcher import Match, Searcher
from fgsbir.search.sketching import PhotoSketcher
from fgsbir.search.svg_writer import svg_of
from fgsbir.web.limits import MAX_POINTS, MAX_STROKES, Limits
from fgsbir.web.messages import Adapted, Correction, Drawing, Features, Found, FoundPhoto, Health, Sketched
from fgsbir.web.pictures import Pictures, shown_name

# Canvas pixels by which a drawing with too many points may be simplified.
TOLERANCE = 0.5


class Service:
    """An index with what searches it, adapts it and draws its photos. DataError is a request that cannot be met."""

    def __init__(
        self, searcher: Searcher, adapter: Adapter | None, sketcher: PhotoSketcher | None, limits: Limits
    ) -> None:
        self._searcher, self._adapter, self._sketcher, self._limits = searcher, adapter, sketcher, limits
        self.pictures = Pictures(searcher.gallery, limits.thumbnails)
        self.sketch = lru_cache(limits.drawings)(self._sketch)
        # By token, the one asked for last at the end.
        self._adapted, self._lock = dict[str, Searcher](), Lock()

    def health(self) -> Health:
        """What there is, and what can be done."""
        return Health(
            photos=len(self._searcher.gallery),
            features=Features(sketch=self._sketcher is not None, adapt=self._adapter is not None),
            upload_bytes=self._limits.upload_bytes,
        )

    def search(self, strokes: list[list[list[float]]], k: int, token: str | None) -> Found:
        """The ``k`` photos nearest to a drawing."""
        started = time.perf_counter()
        return _found(self._by(token).search(canonical(strokes), k), started)

    def similar(self, photo_id: str, k: int, token: str | None) -> Found:
        """The ``k`` photos nearest to another, itself left out."""
        started = time.perf_counter()
        self.pictures.row(photo_id)
        return _found(self._by(token).similar(photo_id, k), started)

    def read(self, data: bytes) -> Drawing:
        """An SVG or a raster drawing as strokes that fit the canvas and a search."""
        most = self._limits.svg_bytes
        if len(data) > most and b"<" in data.lstrip()[:4]:
            raise HTTPException(413, f"expected an SVG of at most {most:,} bytes, found {len(data):,}")
        strokes = read_query_bytes(data, "the drawing")
        if len(strokes) > MAX_POINTS:
            strokes = simplify(strokes, TOLERANCE)
        number = int(strokes[:, 2].sum())
        if len(strokes) > MAX_POINTS or number > MAX_STROKES:
            raise DataError(
                f"the drawing: expected at most {MAX_STROKES:,} strokes and {MAX_POINTS:,} points, "
                f"found {number:,} and {len(strokes):,}"
            )
        if strokes[:, :2].min() < 0 or strokes[:, :2].max() > CANVAS:
            strokes = centre(strokes)  # else it could not be seen
        return Drawing(strokes=listed(strokes))

    def adapt(self, corrections: Sequence[Correction]) -> Adapted:
        """Remember the index as adapted to ``corrections``."""
        if self._adapter is None:
            raise HTTPException(404, "the model of this index cannot be adapted")
        photos = [correction.photo for correction in corrections]
        for photo in photos:
            self.pictures.row(photo)
        adapted = self._adapter.adapt([canonical(correction.strokes) for correction in corrections], photos)
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._adapted[token] = adapted
            if len(self._adapted) > self._limits.adapted:
                del self._adapted[next(iter(self._adapted))]
        return Adapted(token=token)

    def _sketch(self, photo_id: str) -> Sketched:
        """G's sketch of a photo, the same every time."""
        if self._sketcher is None:
            raise HTTPException(404, "this server has no generator, and cannot sketch photos")
        strokes, certainty, ended = self._sketcher.draw(self.pictures.original(photo_id), "the photo")
        return Sketched(strokes=listed(strokes), svg=svg_of(strokes), certainty=certainty, ended=ended)

    def _by(self, token: str | None) -> Searcher:
        if token is None:
            return self._searcher
        with self._lock:
            adapted = self._adapted.pop(token, None)
            if adapted is None:
                raise HTTPException(404, "this adaptation is not remembered any more; adapt again")
            self._adapted[token] = adapted
        return adapted


def _found(matches: list[Match], started: float) -> Found:
    photos = [FoundPhoto(id=id, name=shown_name(path), rank=rank, distance=far) for id, path, rank, far in matches]
    return Found(photos=photos, milliseconds=1e3 * (time.perf_counter() - started))


def canonical(strokes: list[list[list[float]]]) -> np.ndarray:
    """Strokes [[[x, y], …], …] as one array (n, 3). Raises DataError for too many points, or for only one."""
    found = sum(map(len, strokes))
    if found > MAX_POINTS:
        raise DataError(f"strokes: expected at most {MAX_POINTS:,} points, found {found:,}")
    return parse_strokes(strokes, "strokes")


def listed(strokes: np.ndarray) -> list[list[list[float]]]:
    """A canonical sketch as strokes [[[x, y], …], …], to a hundredth of a canvas pixel."""
    return [part.astype(float).round(2).tolist() for part in split_strokes(strokes)]
