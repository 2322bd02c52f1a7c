"""An epoch of F with its loader against the same steps on batches that are ready."""

from collections.abc import Callable

from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.retrieval_step import trainer
from benchmarks.training import ready
from benchmarks.workload import Workload


def prepare(work: Workload) -> Callable[[], Measured]:
    """The stage's own training on the stream that it uses, which makes the next batch during a step."""
    stream = work.stream()
    kept = ready(stream)
    train = trainer(work, *work.retrieval())
    return lambda: alternate(lambda: train(stream), lambda: train(kept), device=work.fabric.device, times=2)


RATIO = Ratio("epoch of F with loader / steps alone", 0.90, prepare, on_cuda=True)
