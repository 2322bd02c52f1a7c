"""The photos of an index as files: the originals, unchanged since they were indexed, and thumbnails of them."""

import hashlib
import io
import os
from pathlib import Path

from PIL import Image
from starlette.exceptions import HTTPException

from fgsbir.data.photos import FORMATS, decode_photo
from fgsbir.data.records import DataError
from fgsbir.search.files import read_file
from fgsbir.search.gallery import Gallery
from fgsbir.search.indexing import MAX_FILE_BYTES
from fgsbir.web.recent import Recent

THUMBNAIL_SIDE = 384
QUALITY = 85

ORIENTATION = 0x0112  # the EXIF tag
ON_ITS_SIDE = (5, 6, 7, 8)
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
}


class Pictures:
    """The files behind a ``gallery``'s ids; of their thumbnails the last ``kept`` stay in memory."""

    def __init__(self, gallery: Gallery, kept: int) -> None:
        self._gallery = gallery
        self._thumbnails: Recent[str, bytes] = Recent(kept)

    def row(self, photo_id: str) -> int:
        """The row of a photo. Raises HTTPException 404 for an id that the index does not have."""
        try:
            return self._gallery.row(photo_id)
        except DataError:
            raise HTTPException(404, f"there is no photo {photo_id} in the index") from None

    def original(self, photo_id: str) -> bytes:
        """A photo's bytes. Raises HTTPException 404 for an unknown one, 410 for one that is not as it was indexed."""
        row = self.row(photo_id)
        path = self._gallery.path(row)
        try:
            data = read_file(path, MAX_FILE_BYTES, "a photo")
        except DataError:
            raise HTTPException(410, "the photo is no longer where it was indexed; index the photos again") from None
        if hashlib.sha256(data).digest() != self._gallery.hashes[row].tobytes():
            raise HTTPException(410, "the photo has changed since it was indexed; index the photos again")
        return data

    def thumbnail(self, photo_id: str) -> bytes:
        """A photo as a small JPEG, its longer side at most 384 pixels, turned upright, transparency on white."""
        known = self._thumbnails.get(photo_id)
        if known is not None:
            return known
        data = self.original(photo_id)
        size = _upright_size(data)
        side = min(THUMBNAIL_SIDE, max(size))
        width, height = (max(1, round(length * side / max(size))) for length in size)
        left, top = (side - width) // 2, (side - height) // 2
        made = io.BytesIO()
        square = Image.fromarray(decode_photo(data, side))
        square.crop((left, top, left + width, top + height)).save(made, "JPEG", quality=QUALITY)
        self._thumbnails.put(photo_id, made.getvalue())
        return made.getvalue()


def shown_name(path: Path) -> str:
    """A file's name, without its folders, and with whatever is no text in it replaced."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def media_type(data: bytes) -> str:
    """What a browser calls a photo of these bytes."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        return MEDIA_TYPES[image.format or ""]


def _upright_size(data: bytes) -> tuple[int, int]:
    """Width and height of a photo as it is looked at."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        turned = image.getexif().get(ORIENTATION) in ON_ITS_SIDE
        return image.size[::-1] if turned else image.size
