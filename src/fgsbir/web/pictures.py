"""The photos of an index as files: the originals, unchanged since they were indexed, and thumbnails of them."""

import hashlib
import io
import os
from functools import lru_cache
from pathlib import Path

from PIL import Image
from starlette.exceptions import HTTPException

from fgsbir.data.photos import FORMATS, decode_photo, image_extension
from fgsbir.data.records import DataError
from fgsbir.search.files import read_file
from fgsbir.search.gallery import Gallery

THUMBNAIL_SIDE = 384
QUALITY = 85
ORIENTATION, ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)  # of EXIF


class Pictures:
    """The files behind a ``gallery``'s ids; of their thumbnails the last ``kept`` stay in memory."""

    def __init__(self, gallery: Gallery, kept: int) -> None:
        self._gallery = gallery
        self.thumbnail = lru_cache(kept)(self._thumbnail)

    def row(self, photo_id: str) -> int:
        """The row of a photo. Raises HTTPException 404 for an id that the index does not have."""
        try:
            return self._gallery.row(photo_id)
        except DataError:
            raise HTTPException(404, f"there is no photo {photo_id} in the index") from None

    def original(self, photo_id: str) -> bytes:
        """A photo's bytes. Raises HTTPException 404 for an unknown one, 410 for one that is not as it was indexed."""
        row = self.row(photo_id)
        try:
            data = read_file(self._gallery.path(row))
        except DataError:
            raise HTTPException(410, "the photo is no longer where it was indexed; index the photos again") from None
        if hashlib.sha256(data).digest() != self._gallery.hashes[row].tobytes():
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
        square.crop((left, top, left + width, top + height)).save(made, "JPEG", quality=QUALITY)
        return made.getvalue()


def shown_name(path: Path) -> str:
    """A file's name, without its folders, and with whatever is no text in it replaced."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def media_type(data: bytes) -> str:
    """What a browser calls a photo of these bytes."""
    return f"image/{image_extension(data, 'photo')}".replace("jpg", "jpeg")
