"""What the API does, without HTTP: every method is called in a thread of its own."""

import io
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import count, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

import numpy as np
from starlette.exceptions import HTTPException

from fgsbir.data.contours import line_length
from fgsbir.data.photos import Box, read_pixels
from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, centre, split_strokes
from fgsbir.retrieval.encoder import Encoder
from fgsbir.runtime.model_folder import save_model
from fgsbir.search.adaptation import Adapter
from fgsbir.search.gallery import version
from fgsbir.search.queries import read_query_bytes
from fgsbir.search.searcher import Searcher
from fgsbir.search.sketching import PhotoSketcher
from fgsbir.search.svg_writer import svg_of
from fgsbir.web import messages
from fgsbir.web.collection import Collection, text
from fgsbir.web.corrections import Corrections
from fgsbir.web.drawings import fitted, listed
from fgsbir.web.limits import Limits
from fgsbir.web.messages import (
    Correction,
    Drawing,
    Folder,
    Found,
    FoundPhoto,
    Health,
    Learned,
    Photo,
    Sketched,
    Uploaded,
)
from fgsbir.web.pictures import WHOLE, Uploads, in_browsers, small

# Length of a drawing's lines, canvas pixels, below which it may still become anything and is not judged.
BEGUN = 4 * CANVAS
THUMBNAIL, LARGE = 384, 1280  # pixels
MODEL = "corrected"  # a saved model's folder


class Service:
    """An index with what searches it, adapts it and draws its photos. DataError is a request that cannot be met."""

    def __init__(
        self, searcher: Searcher, adapter: Adapter | None, sketcher: PhotoSketcher | None, limits: Limits
    ) -> None:
        self._known, self._sketcher, self._limits = Collection(searcher, adapter), sketcher, limits
        self._uploads = Uploads(limits.uploads, limits.uploads_bytes)
        self._thumbnail = lru_cache(limits.thumbnails)(partial(self._small, most=THUMBNAIL))
        self._large = lru_cache(limits.uploads)(partial(self._small, most=LARGE))
        self.sketch = lru_cache(limits.drawings)(self._sketch)
        # Keyed by the encoder: a searcher holds a table of the photos, and each correction makes another one.
        self._picture = lru_cache(limits.uploads)(self._embedded_picture)
        self._renewing, self._unusable = Lock(), ""

    @property
    def collection(self) -> Collection:
        """The index that lies there now; while a new one is opened, or cannot be, the one before it."""
        try:
            now = version(self._known.gallery.folder)
        except DataError:  # it is being replaced
            return self._known
        if now not in (self._known.version, self._unusable) and self._renewing.acquire(blocking=False):
            try:
                self._known = self._known.renewed()
            except DataError:
                self._unusable = now
            finally:
                self._renewing.release()
        return self._known

    @contextmanager
    def _latest(self) -> Iterator[Collection]:
        """The index that lies there now. None takes its place meanwhile: it would not know what is learned."""
        _ = self.collection
        with self._renewing:
            yield self._known

    def health(self) -> Health:
        """What there is, and what can be done."""
        known = self.collection
        return Health(
            photos=len(known.gallery),
            version=known.version,
            features=messages.Features(sketch=self._sketcher is not None, adapt=known.corrections is not None),
            upload_bytes=self._limits.upload_bytes,
        )

    def folders(self) -> list[Folder]:
        """The folders of the photos."""
        return [Folder(path=path, photos=photos) for path, photos in self.collection.folders().items()]

    def search(self, query: messages.Query) -> Found:
        """The photos nearest to what is asked for, or all of them by path."""
        started, known = time.perf_counter(), self.collection
        distances: Iterable[float | None]
        last = query.skip + query.k
        taught = known.corrections.taught if known.corrections else None
        searcher = taught.searcher if query.adapted and taught else known.searcher
        among = None if query.folder is None else known.inside(query.folder)
        picture = self._searched_picture(known, searcher, query)
        drawn = messages.canonical(query.strokes) if query.strokes else None
        sketch = None if drawn is None else searcher.encoder.sketch(drawn)
        if query.photo:
            among = np.ones(len(known.gallery), bool) if among is None else among
            among[self._row(known, query.photo)] = False
        total = len(known.gallery) if among is None else int(among.sum())
        if sketch is None and picture is None:
            rows = (known.by_path if among is None else known.by_path[among[known.by_path]])[:last]
            distances, unlike = repeat(None), False
        else:
            rows, far = searcher.nearest(mixed(sketch, picture, query.weight), last, among)
            distances = far[query.skip :].tolist()
            judged = drawn is None or (picture is None and sum(map(line_length, split_strokes(centre(drawn)))) >= BEGUN)
            unlike = judged and len(rows) > 0 and far[0] >= known.unlike(searcher, drawn is not None)
        photos = [
            FoundPhoto(**dict(photo_of(known, row)), rank=rank, distance=distance)
            for rank, row, distance in zip(count(query.skip + 1), rows[query.skip :].tolist(), distances)
        ]
        took = 1e3 * (time.perf_counter() - started)
        learned, now = taught.version if taught else None, known.version
        return Found(photos=photos, total=total, unlike=unlike, version=now, corrections=learned, milliseconds=took)

    def copies(self, shown: messages.Shown) -> dict[str, str]:
        """Those of some photos that show the same picture as one before them, and which that is."""
        known = self.collection
        rows = np.array([self._row(known, id) for id in (*shown.before, *shown.photos)], np.int64)
        found = known.copies(rows, len(shown.before))
        return {known.gallery.id(copy): known.gallery.id(first) for copy, first in found.items()}

    def about(self, photo_id: str) -> Photo:
        """Where a photo lies."""
        known = self.collection
        return photo_of(known, self._row(known, photo_id))

    def original(self, photo_id: str) -> bytes:
        """A photo's bytes. Raises HTTPException 404 for an unknown one, 410 for one that is not as it was indexed."""
        known = self.collection
        try:
            return known.gallery.photo(self._row(known, photo_id))
        except DataError as error:
            raise HTTPException(410, str(error)) from None

    def file(self, photo_id: str, as_browsers_read: bool) -> tuple[bytes, str]:
        """A photo's bytes, or those of a JPEG where not every browser reads its format, and a name for them."""
        data, name = self.original(photo_id), self.about(photo_id).name
        if not as_browsers_read or (made := in_browsers(data)) is data:
            return data, name
        return made, f"{name}.jpg"

    def thumbnail(self, photo_id: str, large: bool = False) -> bytes:
        """A photo as a small JPEG, or one that fills a screen."""
        return self._large(photo_id) if large else self._thumbnail(photo_id)

    def _small(self, photo_id: str, most: int) -> bytes:
        return small(self.original(photo_id), most)

    def upload(self, data: bytes) -> Uploaded:
        """A drawing of any form as strokes; a photo without any, to search by."""
        query = read_query_bytes(data, "the drawing")
        id = None if query.picture is None else self._uploads.keep(query.picture)
        box, left_out = query.crop or WHOLE, list(query.left_out)
        return Uploaded(id=id, box=box, left_out=left_out, strokes=fitted(query.strokes))

    def uploaded(self, id: str) -> bytes:
        """An uploaded picture as a JPEG that fills a screen."""
        return small(self._uploads[id], LARGE)

    def trace(self, id: str, box: Box) -> Drawing:
        """The strokes in a part of an uploaded picture."""
        query = read_query_bytes(self._uploads[id], "the drawing", crop=box, as_sketch=True)
        return Drawing(strokes=fitted(query.strokes))

    def corrections(self) -> messages.Corrections:
        """What the search has learned from."""
        known = self.collection
        corrections = self._corrections(known)
        taught = corrections.taught
        return messages.Corrections(
            corrections=[
                Learned(
                    id=each.id,
                    strokes=each.strokes,
                    photo=photo_of(known, known.gallery.row(each.photo)),
                    learned=place < taught.learned,
                )
                for place, each in enumerate(taught.kept)
            ],
            by=taught.by,
            kept=corrections.saved,
            version=taught.version,
        )

    def correct(self, correction: Correction) -> messages.Corrections:
        """Learn from one more drawing and the photo that was meant."""
        with self._latest() as known:
            corrections = self._corrections(known)
            self._row(known, correction.photo)
            corrections.add(correction)
        known.unlike(corrections.taught.searcher, True)
        return self.corrections()

    def take_back(self, id: str) -> messages.Corrections:
        """Forget a correction, and what was learned from it."""
        with self._latest() as known:
            if not self._corrections(known).remove(id):
                raise HTTPException(404, f"there is no correction {id}")
        return self.corrections()

    def model(self) -> bytes:
        """The F that has learned, a model folder in a ZIP: what ``fgsbir index --model`` and other commands take."""
        known, made = self.collection, io.BytesIO()
        adapted = self._corrections(known).taught.searcher.encoder.model
        with TemporaryDirectory() as temporary, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
            folder = Path(temporary, MODEL)
            save_model(folder, adapted, details={"adapted": {"model": known.gallery.about.model}})
            for path in sorted(folder.iterdir()):
                file.write(path, path.relative_to(temporary))
        return made.getvalue()

    def _sketch(self, photo_id: str) -> Sketched:
        """G's sketch of a photo, the same every time."""
        if self._sketcher is None:
            raise HTTPException(404, "this server has no generator, and cannot sketch photos")
        strokes, certainty, ended = self._sketcher.draw(self.original(photo_id), "the photo")
        return Sketched(strokes=listed(strokes), svg=svg_of(strokes), certainty=certainty, ended=ended)

    def _searched_picture(self, known: Collection, searcher: Searcher, query: messages.Query) -> np.ndarray | None:
        if query.photo and query.picture:
            raise DataError("expected a photo of the index or an uploaded picture, found both")
        if query.photo:
            return searcher.photo(self._row(known, query.photo))
        return self._picture(searcher.encoder, query.picture.id, query.picture.box) if query.picture else None

    def _embedded_picture(self, encoder: Encoder, id: str, box: Box) -> np.ndarray:
        pixels = read_pixels(self._uploads[id], "the picture", encoder.spec.image_size, box)
        return encoder.photos(pixels[None])[0]

    def _row(self, known: Collection, photo_id: str) -> int:
        try:
            return known.gallery.row(photo_id)
        except DataError:
            raise HTTPException(404, f"there is no photo {photo_id} in the index") from None

    def _corrections(self, known: Collection) -> Corrections:
        if known.corrections is None:
            raise HTTPException(404, "the model of this index cannot be adapted")
        return known.corrections


def photo_of(known: Collection, row: int) -> Photo:
    """What is known of a photo."""
    paths = known.gallery.paths(row)
    name, folder = text(paths[0].name), known.folder(str(paths[0]))
    return Photo(id=known.gallery.id(row), name=name, folder=folder, paths=[text(str(path)) for path in paths])


def mixed(sketch: np.ndarray | None, picture: np.ndarray | None, weight: float) -> np.ndarray:
    """One embedding (d,) of length 1 for a sketch's and a picture's, which counts ``weight``: that nearest to both."""
    if sketch is None or picture is None:
        given = picture if sketch is None else sketch
        assert given is not None
        return given
    both = (1 - weight) * sketch + weight * picture
    return both / np.linalg.norm(both)
