"""What the API does, without HTTP: every method is called in a thread of its own."""

import hashlib
import io
import os
import secrets
import time
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock

import numpy as np
from PIL import Image
from starlette.exceptions import HTTPException

from fgsbir.data.photos import FORMATS, decode_photo
from fgsbir.data.readers.json_strokes import parse_strokes
from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, centre, simplify, split_strokes
from fgsbir.search.adaptation import Adapter
from fgsbir.search.files import read_file
from fgsbir.search.queries import read_query_bytes
from fgsbir.search.searcher import Match, Searcher
from fgsbir.search.sketching import PhotoSketcher
from fgsbir.search.svg_writer import svg_of
from fgsbir.web.limits import MAX_POINTS, MAX_STROKES, Limits
from fgsbir.web.messages import Adapted, Correction, Drawing, Features, Found, FoundPhoto, Health, Sketched

# Canvas pixels by which a drawing with too many points may be simplified.
TOLERANCE = 0.5
THUMBNAIL_SIDE, THUMBNAIL_QUALITY = 384, 85
ORIENTATION, ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)  # of EXIF


class Service:
    """An index with what searches it, adapts it and draws its photos. DataError is a request that cannot be met."""

    def __init__(
        self, searcher: Searcher, adapter: Adapter | None, sketcher: PhotoSketcher | None, limits: Limits
    ) -> None:
        self._searcher, self._adapter, self._sketcher, self._limits = searcher, adapter, sketcher, limits
        self.thumbnail = lru_cache(limits.thumbnails)(self._thumbnail)
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
        self._row(photo_id)
        return _found(self._by(token).similar(photo_id, k), started)

    def original(self, photo_id: str) -> bytes:
        """A photo's bytes. Raises HTTPException 404 for an unknown one, 410 for one that is not as it was indexed."""
        gallery, row = self._searcher.gallery, self._row(photo_id)
        try:
            data = read_file(gallery.path(row))
        except DataError:
            raise HTTPException(410, "the photo is no longer where it was indexed; index the photos again") from None
        if hashlib.sha256(data).digest() != gallery.hashes[row].tobytes():
            raise HTTPException(410, "the photo has changed since it was indexed; index the photos again")
        return data

    def _thumbnail(self, photo_id: str) -> bytes:
        """A photo as a small JPEG, its longer side at most 384 pixels, turned upright, transparency on white."""
        data = self.original(photo_id)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            turned = image.getexif().get(ORIENTATION) in ON_ITS_SIDE
            upright = image.size[::-1] if turned else image.size
        side = min(THUMBNAIL_SIDE, max(upright))
        width, height = (max(1, round(length * side / max(upright))) for length in upright)
        left, top = (side - width) // 2, (side - height) // 2
        square = Image.fromarray(decode_photo(data, side))
        made = io.BytesIO()
        square.crop((left, top, left + width, top + height)).save(made, "JPEG", quality=THUMBNAIL_QUALITY)
        return made.getvalue()

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
            self._row(photo)
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
        strokes, certainty, ended = self._sketcher.draw(self.original(photo_id), "the photo")
        return Sketched(strokes=listed(strokes), svg=svg_of(strokes), certainty=certainty, ended=ended)

    def _row(self, photo_id: str) -> int:
        try:
            return self._searcher.gallery.row(photo_id)
        except DataError:
            raise HTTPException(404, f"there is no photo {photo_id} in the index") from None

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
    photos = []
    for id, path, rank, distance in matches:
        name = os.fsencode(path.name).decode("utf-8", "replace")  # it need not be text
        photos.append(FoundPhoto(id=id, name=name, rank=rank, distance=distance))
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
