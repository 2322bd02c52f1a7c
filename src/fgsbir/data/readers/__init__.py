"""Readers: one file a layout on disk, each turning it into the same records.

A reader takes (root, trace_tolerance) and returns a :class:`~fgsbir.data.records.Source` with the splits that the
layout itself knows. :func:`read` adds what all layouts share.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fgsbir.data.readers.checks import check_records, report_counts, skip_nameless
from fgsbir.data.readers.folder import read_folder
from fgsbir.data.readers.holdout import hold_out, mark_unseen, name_users, settle_unlabelled
from fgsbir.data.readers.qmul import read_qmul
from fgsbir.data.readers.qmul_v1 import read_qmul_v1
from fgsbir.data.readers.sketchx import read_sketchx
from fgsbir.data.readers.sketchy import read_sketchy
from fgsbir.data.readers.synthetic import read_synthetic
from fgsbir.data.readers.unlabelled import add_unlabelled
from fgsbir.data.records import DataError, Source

log = logging.getLogger(__name__)

READERS: dict[str, Callable[[Path, float], Source]] = {
    "synthetic": read_synthetic,
    "sketchx": read_sketchx,
    "qmul": read_qmul,
    "qmul_v1": read_qmul_v1,
    "sketchy": read_sketchy,
    "folder": read_folder,
}


def read(
    layout: str,
    root: Path,
    *,
    unseen_categories: Sequence[str] = (),
    unseen_users: Sequence[str] = (),
    users: Mapping[str, str] | None = None,
    val_frac: float,
    trace_tolerance: float,
) -> Source:
    """Read the records of a whole data set and check them; no photo is opened.

    ``layout`` is a key of :data:`READERS`. ``users`` maps sketch ids to users, for sets that do not say who drew.
    ``val_frac`` of the training photos become validation photos where the layout has none, and likewise test photos.
    ``trace_tolerance`` is in pixels of the 256 canvas and concerns raster sketches only. Photos come back in the order
    of their ids, sketches in the order of photo and id; strokes lie on the 256 canvas, not centred.

    Raises DataError, naming the file or key and what was expected, for anything that cannot be used. In layout
    ``folder`` and below unlabelled/ a bad file is skipped and reported instead, as long as there is a good one.
    """
    if layout not in READERS:
        raise DataError(f"layout {layout!r}: expected one of {', '.join(READERS)}")
    if not root.is_dir():
        found = "a file" if root.exists() else "nothing"
        raise DataError(f"{root}: expected a folder of layout {layout}, found {found}")
    source = READERS[layout](root, trace_tolerance)
    if not source.photos or not source.sketches:
        raise DataError(f"{root}: expected photos and sketches of layout {layout}, found none")
    report_counts(source)
    add_unlabelled(source, root)
    skip_nameless(source)
    check_records(source)
    if users is not None:
        name_users(source, users)
    mark_unseen(source, unseen_categories, unseen_users)
    settle_unlabelled(source)
    hold_out(source, "test", val_frac)
    hold_out(source, "val", val_frac)
    for skipped in source.skipped:
        log.warning("skipped %s: %s", skipped.path, skipped.reason)
    source.photos.sort(key=lambda photo: photo.id)
    source.sketches.sort(key=lambda sketch: (sketch.photo_id, sketch.id))
    return source
