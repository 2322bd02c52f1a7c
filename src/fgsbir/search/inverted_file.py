"""Search among millions of photos: faiss proposes a few hundred, and their exact distances decide.

The file ``inverted.faiss`` holds the first 128 principal axes of every embedding, a byte for each, in cells: the
k-means of a sample of the gallery. It is mapped and not read. Photos are in it by id and not by row, so that some are
added and others taken out while all else stays.
"""

import importlib.util
import logging
from pathlib import Path
from typing import Any

import numpy as np

from fgsbir.data.records import DataError

logger = logging.getLogger(__name__)

FILE = "inverted.faiss"
AXES = 128
# Photos of each cell that train it, and rounds of k-means.
SAMPLES, ROUNDS = 40, 8
# A search looks into one cell in so many, and into so many at least.
ONE_IN, PROBES = 64, 64
# Photos added at once.
PART = 65_536


def has_faiss() -> bool:
    """Whether faiss is installed; without it every search is exact, and a warning says what would be faster."""
    found = importlib.util.find_spec("faiss") is not None
    if not found:
        logger.warning("faiss is not installed, so each search goes through all photos: pip install 'fgsbir[faiss]'")
    return found


def cells_of(photos: int) -> int:
    """How many cells a gallery has: the power of two nearest to four times the root of its photos."""
    return int(2 ** round(np.log2(4 * photos**0.5)))


def write_inverted(embeddings: np.ndarray, ids: np.ndarray, path: Path, old: Path | None = None) -> None:
    """Write to ``path`` the inverted file of ``embeddings`` float32 (n, d), mapped or not, with ``ids`` uint64 (n,).

    Of an ``old`` one the cells are kept, and the photos that are in it: photos with other ids are added, those gone are
    taken out. It is made anew once the gallery should have four times as many cells, or a quarter. The same gallery in
    the same steps gives the same bytes. Takes about n * (AXES + 16) bytes of memory.
    """
    import faiss

    signed, cells = ids.view(np.int64), cells_of(len(ids))
    index = faiss.read_index(str(old)) if old else None
    if index is not None and 1 / 4 < faiss.extract_index_ivf(index).nlist / cells < 4:
        known = _stored_ids(index)
        index.remove_ids(faiss.IDSelectorBatch(np.setdiff1d(known, signed, assume_unique=True)))
        new = np.flatnonzero(~np.isin(signed, known, assume_unique=True))
    else:
        index = faiss.index_factory(embeddings.shape[1], f"PCA{min(AXES, embeddings.shape[1])},IVF{cells},SQ8")
        clustering = faiss.extract_index_ivf(index).cp
        clustering.niter, clustering.min_points_per_centroid = ROUNDS, 1
        sample = np.random.default_rng(0).permutation(len(ids))[: SAMPLES * cells]
        index.train(embeddings[np.sort(sample)])
        new = np.arange(len(ids))
    for start in range(0, len(new), PART):
        part = new[start : start + PART]
        index.add_with_ids(np.ascontiguousarray(embeddings[part]), signed[part])
    faiss.write_index(index, str(path))


def _stored_ids(index: Any) -> np.ndarray:
    import faiss

    lists: Any = faiss.extract_index_ivf(index).invlists
    cells = [faiss.rev_swig_ptr(lists.get_ids(cell), lists.list_size(cell)) for cell in range(lists.nlist)]
    return np.concatenate(cells)


class InvertedFile:
    """An opened inverted file. Raises DataError if it is damaged, or not of ``photos`` x ``dimensions``."""

    def __init__(self, path: Path, photos: int, dimensions: int) -> None:
        import faiss

        try:
            self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
            inverted = faiss.extract_index_ivf(self._index)
        except RuntimeError as error:
            raise DataError(f"{path}: cannot be read ({error}); index the photos again") from None
        found = (self._index.ntotal, self._index.d)
        if found != (photos, dimensions):
            raise DataError(f"{path}: expected {photos} photos of {dimensions} numbers, found {found}; index again")
        inverted.nprobe = max(min(PROBES, inverted.nlist), inverted.nlist // ONE_IN)

    def propose(self, query: np.ndarray, count: int) -> np.ndarray:
        """The ids uint64 of about ``count`` photos that are probably nearest to ``query`` float32 (d,)."""
        found = self._index.search(query[None], count)[1][0]
        return found[found != -1].view(np.uint64)
