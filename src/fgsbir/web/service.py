"""What the API does, without HTTP: every method is called in a thread of its own."""

import secrets
import time
from collections.abc import Sequence

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
from fgsbir.web.messages import Adapted, Correction, Drawing, Found, FoundPhoto, Sketched
from fgsbir.web.pictures import Pictures, shown_name
from fgsbir.web.recent import Recent

# Canvas pixels by which a drawing with too many points may be simplified.
TOLERANCE = 0.5
SEED = 0


class Service:
    """An index with what searches it, adapts it and draws its photos. DataError is a request that cannot be met."""

    def __init__(
        self, searcher: Searcher, adapter: Adapter | None, sketcher: PhotoSketcher | None, limits: Limits
    ) -> None:
        self._searcher, self._adapter, self._sketcher = searcher, adapter, sketcher
        self._svg_bytes = limits.svg_bytes
        self.pictures = Pictures(searcher.gallery, limits.thumbnails)
        self._adapted: Recent[str, Searcher] = Recent(limits.adapted)
        self._drawings: Recent[str, Sketched] = Recent(limits.drawings)

    @property
    def photos(self) -> int:
        """How many there are."""
        return len(self._searcher.gallery)

    @property
    def draws(self) -> bool:
        """Whether there is a G."""
        return self._sketcher is not None

    @property
    def adapts(self) -> bool:
        """Whether the index can be adapted."""
        return self._adapter is not None

    def search(self, strokes: list[list[list[float]]], k: int, token: str | None) -> Found:
        """The ``k`` photos nearest to a drawing."""
        started = time.perf_counter()
        return self._found(self._by(token).search(canonical(strokes), k), started)

    def similar(self, photo_id: str, k: int, token: str | None) -> Found:
        """The ``k`` photos nearest to another, itself left out."""
        started = time.perf_counter()
        self.pictures.row(photo_id)
        return self._found(self._by(token).similar(photo_id, k), started)

    def read(self, data: bytes) -> Drawing:
        """An SVG or a raster drawing as strokes that fit the canvas and a search."""
        if len(data) > self._svg_bytes and b"<" in data.lstrip()[:4]:
            raise HTTPException(413, f"expected an SVG of at most {self._svg_bytes:,} bytes, found {len(data):,}")
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
        for correction in corrections:
            self.pictures.row(correction.photo)
        sketches = [canonical(correction.strokes) for correction in corrections]
        adapted = self._adapter.adapt(sketches, [correction.photo for correction in corrections])
        token = secrets.token_urlsafe(16)
        self._adapted.put(token, adapted)
        return Adapted(token=token)

    def sketch(self, photo_id: str) -> Sketched:
        """G's sketch of a photo, the same every time."""
        if self._sketcher is None:
            raise HTTPException(404, "this server has no generator, and cannot sketch photos")
        known = self._drawings.get(photo_id)
        if known is not None:
            return known
        photo = self.pictures.original(photo_id)
        drawn = self._sketcher.draw([photo], seed=SEED)[0]
        made = Sketched(
            strokes=listed(drawn.strokes), svg=svg_of(drawn.strokes), certainty=drawn.certainty, ended=drawn.ended
        )
        self._drawings.put(photo_id, made)
        return made

    def _by(self, token: str | None) -> Searcher:
        if token is None:
            return self._searcher
        adapted = self._adapted.get(token)
        if adapted is None:
            raise HTTPException(404, "this adaptation is not remembered any more; adapt again")
        return adapted

    def _found(self, matches: list[Match], started: float) -> Found:
        photos = [
            FoundPhoto(id=match.id, name=shown_name(match.path), rank=match.rank, distance=match.distance)
            for match in matches
        ]
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
