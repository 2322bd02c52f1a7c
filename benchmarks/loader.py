"""Loader against decode-and-stack: augmented batches of tensors, against the same pictures decoded and stacked."""

from collections.abc import Callable

import numpy as np

from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.workload import Workload
from fgsbir.data.photos import decode_photo
from fgsbir.data.rasterise import rasterise
from fgsbir.data.selection import training_split

BATCHES = 6


def prepare(work: Workload) -> Callable[[], Measured]:
    """The loader decodes each photo anew, as it does for a set that does not fit into memory."""
    settings = work.params.pretrain_retrieval
    size, line_width, device = settings.image_size, settings.line_width, work.fabric.device
    stream = work.stream(in_memory=False)
    entries = training_split(work.store.index, work.params.labelled_frac).labelled
    encoded = [work.store.read_photo(entry) for entry in entries]
    drawn = [stream.batch(step) for step in range(BATCHES)]

    def load() -> None:
        for step in range(BATCHES):
            stream.batch(step).images(device)

    def decode_and_stack() -> None:
        for batch in drawn:
            np.stack([decode_photo(encoded[row], size) for row in batch.rows])
            np.stack([rasterise(strokes, size, line_width) for strokes in batch.strokes])

    return lambda: alternate(load, decode_and_stack, device=device, times=4)


RATIO = Ratio("loader / decode and stack", 0.85, prepare)
