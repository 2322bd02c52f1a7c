"""Pictures as the page needs them: upright, small, cut; and those from outside, kept for a while."""

import hashlib
import io
from threading import Lock

from starlette.exceptions import HTTPException

from fgsbir.data.photos import FORMATS, Box, image_format, laid_on_white, upright_picture

WHOLE: Box = (0, 0, 1, 1)
JPEG_QUALITY = 85
SCREENS = 4096


def small(data: bytes, most: int) -> bytes:
    """A picture upright, transparency on white, its longer side at most ``most`` pixels, as a JPEG."""
    image, made = laid_on_white(upright_picture(data, "the picture", most)).convert("RGB"), io.BytesIO()
    image.thumbnail((most, most))
    image.save(made, "JPEG", quality=JPEG_QUALITY)
    return made.getvalue()


def in_browsers(data: bytes) -> bytes:
    """A photo as its file is; one that not every browser reads as a JPEG, at most ``SCREENS`` pixels a side."""
    form = image_format(data, "the photo")
    return small(data, SCREENS) if form in (FORMATS["HEIF"], FORMATS["TIFF"]) else data


class Uploads:
    """The pictures that were sent last, at most ``most`` of them and ``most_bytes`` together."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._kept, self._lock = dict[str, bytes](), Lock()

    def keep(self, data: bytes) -> str:
        """Keep a picture; its id is of its content."""
        id = hashlib.sha256(data).hexdigest()[:16]
        with self._lock:
            self._kept.pop(id, None)
            self._kept[id] = data
            while len(self._kept) > self._most or sum(map(len, self._kept.values())) > self._most_bytes:
                del self._kept[next(iter(self._kept))]
        return id

    def __getitem__(self, id: str) -> bytes:
        """A picture's bytes. Raises HTTPException 404 for one that is not kept any more."""
        with self._lock:
            if id not in self._kept:
                raise HTTPException(404, "this picture is not remembered any more; upload it again")
            data = self._kept[id] = self._kept.pop(id)
            return data
