"""The parts of an index put together: photos by rising hash, each once, with all their paths."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fgsbir.data.atomic import new_array
from fgsbir.search.gallery import EMBEDDINGS, FEATURES, Gallery, Photos, ids_of
from fgsbir.search.index_parts import Part

# Rows of an old index that are copied at once.
COPIED = 16_384

# The files of a part, and what reads it: parts of a large index do not fit into memory together.
Source = tuple[Sequence[Path], Callable[[], Part]]


class Merged(NamedTuple):
    """The photos, their arrays mapped where they will lie; how many are new; files that are copies; files left out."""

    photos: Photos
    new: int
    copies: int
    skipped: dict[str, str]


def merge(sources: Sequence[Source], known: Gallery | None, folder: Path, *, keep: bool) -> Merged:
    """Put parts together, with what an index ``known`` holds of their photos, and write the large arrays to ``folder``.

    ``keep`` what it holds besides. What a part has embedded is not looked for in the index.
    """
    hashes, paths, skipped = [np.zeros((0, 32), np.uint8)], list[bytes](), dict[str, str]()
    embedding, feature = (0,), (0, 0)
    for files, read in sources:
        part = read()
        kept = np.flatnonzero(part.hashes.any(1))
        hashes.append(part.hashes[kept])
        paths += [os.fsencode(files[row]) for row in kept.tolist()]
        skipped |= part.skipped
        embedding, feature = part.embeddings.shape[1:], max(feature, part.features.shape[1:])
    if known is not None:
        feature = max(feature, known.features.shape[1:] if known.features is not None else (0, 0))
    if known is not None and keep:
        rest = np.flatnonzero(~np.isin(ids_of(known.hashes), ids_of(np.concatenate(hashes))))
        for row in rest.tolist():
            own = [os.fsencode(path) for path in known.paths(row)]
            hashes.append(np.repeat(known.hashes[row : row + 1], len(own), 0))
            paths += own
    every = np.concatenate(hashes)
    order = np.lexsort(every.view(">u8").T[::-1])  # stable: paths stay in their order
    every = every[order]
    first = np.flatnonzero(np.r_[True, (every[1:] != every[:-1]).any(1)][: len(every)])
    groups = np.split(order, first[1:]) if len(first) else []
    unique = every[first]

    count, filled = len(unique), np.zeros(len(unique), bool)
    arrays = {EMBEDDINGS: (np.float32, embedding)} | ({FEATURES: (np.float16, feature)} if any(feature) else {})
    mapped = (
        {name: new_array(folder / name, dtype, (count, *shape)) for name, (dtype, shape) in arrays.items()}
        if count
        else {}
    )

    def put(own: np.ndarray, embeddings: np.ndarray, features: np.ndarray | None) -> None:
        if not len(own) or not count:
            return
        places = np.minimum(np.searchsorted(ids_of(unique), ids_of(own)), count - 1)
        there = (unique[places] == own).all(1)
        for name, values in ((EMBEDDINGS, embeddings), (FEATURES, features)):
            if name in mapped and values is not None:
                mapped[name][places[there]] = values[there]
        filled[places[there]] = True

    for start in range(0, len(known) if known is not None else 0, COPIED):
        assert known is not None
        rows = slice(start, start + COPIED)
        put(known.hashes[rows], known.embeddings[rows], None if known.features is None else known.features[rows])
    new = count - int(filled.sum())
    for _, read in sources:
        part = read()
        put(part.new, part.embeddings, part.features)
    assert filled.all(), "a photo was neither known nor embedded"
    joined = [b"\0".join(paths[place] for place in group.tolist()) for group in groups]
    photos = Photos(unique, joined, mapped.get(EMBEDDINGS, np.zeros((0, 0), np.float32)), mapped.get(FEATURES))
    return Merged(photos, new, len(paths) - count, skipped)
