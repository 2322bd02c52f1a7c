"""The one pass over the photos of a data set: each file is read once, decoded once, and then packed or left out."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from fgsbir.data.leaks import DECODE, Leak, LeakGuard, Look, look_at
from fgsbir.data.photos import photo_bytes, read_pixels
from fgsbir.data.readers.unlabelled import FOLDER
from fgsbir.data.records import DataError, Photo, Skipped, Source
from fgsbir.data.summary import check_usable

log = logging.getLogger(__name__)

# Photos read ahead of what is packed: enough for all cores, few enough for the memory.
AHEAD = 64


class Intake:
    """Takes in the photos of ``source``, which :meth:`read` leaves without those that are damaged or leak.

    A damaged photo is an error, or is skipped with its sketches where ``lenient``; below unlabelled/, a user's own
    folder in every layout, it is skipped always. ``leaks`` lists the photos that ``guard`` held back, in the order of
    their ids. ``category`` (None: all seen ones) is what is trained on.
    """

    def __init__(
        self, source: Source, *, category: str | None, max_megapixels: float, lenient: bool, guard: LeakGuard
    ) -> None:
        self.source, self.category, self.max_megapixels = source, category, max_megapixels
        self.lenient, self.guard = lenient, guard
        self.leaks: list[Leak] = []

    def read(self, photos: Sequence[Photo]) -> Iterator[tuple[Photo, bytes]]:
        """Each of ``photos``, held-out ones first, and its file's bytes, without those left out.

        Raises DataError, after the last one, for a damaged photo that is no one's to skip, for a split with nothing
        but damaged ones, and where too little is left to train on.
        """
        check_usable(self.source, self.category)
        bad: dict[str, str] = {}
        with ThreadPoolExecutor() as pool:  # Pillow decodes outside the interpreter's lock
            for start in range(0, len(photos), AHEAD):
                ahead = photos[start : start + AHEAD]
                for photo, found in zip(ahead, pool.map(self._take, ahead), strict=True):
                    if isinstance(found, DataError):
                        bad[photo.id] = str(found)
                    elif leak := self.guard.leak(photo, found[1]):
                        self.leaks.append(leak)
                    else:
                        yield photo, found[0]
        self.leaks.sort(key=lambda leak: leak.photo)
        self._leave_out(bad)
        check_usable(self.source, self.category)

    def _take(self, photo: Photo) -> tuple[bytes, Look] | DataError:
        try:
            data = photo_bytes(photo.path, self.max_megapixels)
            return data, look_at(data, read_pixels(data, str(photo.path), DECODE, max_megapixels=self.max_megapixels))
        except DataError as error:
            return error

    def _leave_out(self, bad: dict[str, str]) -> None:
        source, groups, skipped = self.source, defaultdict(list), []
        for photo in source.photos:
            own = photo.split == "unlabelled" and photo.id.startswith(f"{FOLDER}/")
            # Other photos without a sketch came with the training photos.
            groups[FOLDER if own else "train" if photo.split == "unlabelled" else photo.split].append(photo)
        for group, photos in groups.items():
            found = [photo for photo in photos if photo.id in bad]
            if found and (len(found) == len(photos) or not (self.lenient or group == FOLDER)):
                none = f"; no {group} photo is left" if len(found) == len(photos) else ""
                more = f" (and {len(bad) - 1} more bad photos)" if len(bad) > 1 else ""
                raise DataError(bad[found[0].id] + none + more)
            skipped += [Skipped.of(photo.path, bad[photo.id]) for photo in found]
        why = "sketch of a photo that was skipped"
        skipped += [Skipped(sketch.id, why) for sketch in source.sketches if sketch.photo_id in bad]
        for each in skipped:
            log.warning("skipped %s: %s", each.path, each.reason)
        for leak in self.leaks:
            log.warning("left out %s: shows the same as held-out %s (%s)", leak.photo, leak.duplicate_of, leak.reason)
        source.skipped += skipped
        gone = bad.keys() | {leak.photo for leak in self.leaks}
        source.photos = [photo for photo in source.photos if photo.id not in gone]
        source.sketches = [sketch for sketch in source.sketches if sketch.photo_id not in gone]
