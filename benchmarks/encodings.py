"""Photos that an evaluation encodes against the distinct photos of the gallery: counted, not timed."""

from collections.abc import Callable

import numpy as np

from benchmarks.ratio import Measured, Ratio
from benchmarks.workload import Workload
from fgsbir.evaluation.search import PhotoSizes, Search, evaluation_set


def prepare(work: Workload) -> Callable[[], Measured]:
    """All that evaluation asks of one F: ranks of the queries, the nearest photos, ranks of drawings."""
    model, _ = work.retrieval()
    test = evaluation_set(work.store)
    pixels = PhotoSizes(work.store, test.photos, work.params.runtime.photo_cache_gib).at(model.image_size)

    def count() -> Measured:
        encoded = 0

        def note(_: object, images: tuple[np.ndarray, ...]) -> None:
            nonlocal encoded
            encoded += len(images[0])

        hook = model.register_forward_pre_hook(note)
        search = Search(
            model,
            pixels,
            test,
            line_width=work.params.pretrain_retrieval.line_width,
            device=work.fabric.device,
            precision=work.params.precision,
        )
        search.nearest(np.arange(len(test.sketches)), work.params.evaluate.top_k)
        drawings = [test.sketches[0]] * len(test.photos)
        search.ranks_of_drawings(drawings)
        hook.remove()
        photos = encoded - len(test.sketches) - len(drawings)
        return Measured(photos, len({photo.id for photo in test.photos}))

    return count


RATIO = Ratio("photos encoded in an evaluation / distinct photos", 1.0, prepare, speed=False)
