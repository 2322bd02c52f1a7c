"""The parts of ``benchmarks.gpu``: each yields lines of its table."""

import importlib
import json
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from benchmarks.scale_parts import shards_of
from fgsbir.data.atomic import write_text
from fgsbir.data.shards import ShardStore
from fgsbir.features.extraction import Reader, write_features
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.store import layout_of
from fgsbir.features.trunk import packaged_trunk, tap_channels
from fgsbir.generator.losses import reconstruction_loss
from fgsbir.generator.model import Generator
from fgsbir.generator.sampling import Noise, draw_noise, draw_rows, start_token
from fgsbir.generator.sequences import SequenceForm
from fgsbir.retrieval.losses import RetrievalObjective
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.streams import seed_weights
from pipeline.pretrain_generator import POINT_GENERATOR
from pipeline.sections import Params

STAGES = ("synthesise", "shard", "features", "edges", "pretrain_retrieval", "pretrain_generator", "sketch_classifier")
STAGES += ("pseudo", "joint", "evaluate")
TRAINED = ("pretrain_retrieval", "pretrain_generator", "joint")

Line = tuple[str, float, str]  # what, how much, of what


@dataclass(frozen=True)
class Bench:
    """Where and how much is measured: ``seconds`` of each thing, after it is warm; ``photos`` of the stage features."""

    params: Params
    compute: Compute
    work: Path
    seconds: float = 2.0
    photos: int = 100_000
    batch: int = 256
    tuned_batch: int = 32
    tuned_sizes: tuple[int, ...] = (224, 256)

    @property
    def spec(self) -> FeatureSpec:
        return FeatureSpec(**self.params.features.of(FeatureSpec))

    def rate(self, call: Callable[[], object], each: int = 1) -> float:
        """Calls a second, times ``each``."""
        for _ in range(3):
            call()
        self.wait()
        count, start = 0, time.perf_counter()
        while count < 3 or time.perf_counter() - start < self.seconds:
            call()
            self.wait()
            count += 1
        return each * count / (time.perf_counter() - start)

    def wait(self) -> None:
        if self.compute.device.type == "cuda":
            torch.cuda.synchronize()


def trunk(bench: Bench) -> Iterator[Line]:
    """The trunk on pictures that lie in memory, by the layout of the memory, compiled or not."""
    size, device = bench.spec.image_size, bench.compute.device
    for layout, memory in (("contiguous", torch.contiguous_format), ("channels-last", torch.channels_last)):
        network = packaged_trunk(bench.spec).to(device, memory_format=memory)
        images = torch.rand(bench.batch, 3, size, size, device=device).contiguous(memory_format=memory)
        for way, call in (("eager", network), ("compiled", torch.compile(network))):
            with bench.compute.scoring():
                rate = bench.rate(lambda call=call, images=images: call(images, bench.spec), bench.batch)
            yield f"trunk, {bench.compute.precision}, {layout}, {way}, {size} px, batch {bench.batch}", rate, "images/s"


def features(bench: Bench) -> Iterator[Line]:
    """The stage features, on photos of the run's set under other ids, one in five with a sketch."""
    folder = bench.work / "many"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shards = shards_of(bench.work / "run" / "data" / "shards", folder, bench.photos)
    network = packaged_trunk(bench.spec)
    reader = Reader(network, bench.spec, bench.compute)
    layout = layout_of(network, bench.spec, variants=1, sketch_maps=False)
    start = time.perf_counter()
    with ShardStore(shards) as store:
        write_features(reader, store, layout, strength=0.0, scratch=folder / "scratch", out=folder / "features")
    seconds = time.perf_counter() - start
    shutil.rmtree(folder)
    yield (
        f"features of {bench.photos:,} photos and {bench.photos // 5:,} sketches, mirrored too",
        bench.photos / seconds,
        "photos/s",
    )


def tuned(bench: Bench) -> Iterator[Line]:
    """F with every block of the trunk trained, on pictures that lie in memory."""
    batch, cuda = bench.tuned_batch, bench.compute.device.type == "cuda"
    for size in bench.tuned_sizes:
        name = f"F, all blocks tuned, {size} px, batch {batch}"
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        yield name, bench.rate(_step_of_f(bench, replace(bench.spec, image_size=size)), batch), "pairs/s"
        if cuda:
            yield f"{name}: memory", torch.cuda.max_memory_allocated() / 2**30, "GiB"


def _step_of_f(bench: Bench, spec: FeatureSpec) -> Callable[[], None]:
    device, batch, network = bench.compute.device, bench.tuned_batch, packaged_trunk(spec)
    channels = tap_channels(network, spec)
    model = RetrievalModel(spec=spec.as_json(), channels=channels, embedding_dim=512, tuned_blocks="all")
    model.take_trunk(network)
    bench.compute.place(model.train())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    photos, sketches = (torch.rand(batch, 3, spec.image_size, spec.image_size, device=device) for _ in range(2))
    numbers, one_category = torch.arange(batch, device=device), torch.zeros(batch, dtype=torch.int64, device=device)
    objective = RetrievalObjective(**bench.params.pretrain_retrieval.of(RetrievalObjective))
    chance = torch.Generator(device)

    def step() -> None:
        with bench.compute.autocast():
            photo, sketch = model.embed(photos, "photo"), model.embed(sketches, "sketch")
        loss = objective(sketch.float(), photo.float(), numbers, one_category, chance).mean()
        bench.compute.descend(optimizer, model, loss)

    return step


def generator(bench: Bench) -> Iterator[Line]:
    """The G that draws point by point: a training step, and a batch of drawings of full length."""
    settings, device, batch = bench.params.pretrain_generator, bench.compute.device, bench.tuned_batch
    seed_weights(0, "generator")
    shape = layout_of(packaged_trunk(bench.spec), bench.spec, variants=1, sketch_maps=False).map_shape
    sizes = settings.model_dump(include=POINT_GENERATOR)
    form = settings.of(SequenceForm)
    model = Generator(spec=bench.spec.as_json(), form=form, map_channels=shape[0], **sizes)
    bench.compute.place(model)
    maps = torch.randn(batch, *shape, device=device)
    steps = settings.max_points
    sequences = torch.cat([torch.randn(batch, steps, 2), torch.tensor([1.0, 0, 0]).expand(batch, steps, 3)], 2)
    sequences, lengths = sequences.to(device), torch.full((batch,), steps, device=device)
    latent = torch.randn(batch, settings.latent, device=device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def train() -> None:
        with bench.compute.autocast():
            output = model(maps, sequences, latent)
        loss = reconstruction_loss(output.mixture, output.pen_logits, sequences, lengths).mean()
        bench.compute.descend(optimizer, model, loss)

    eager = model.step
    for way, step in (("eager", eager), ("compiled", torch.compile(eager))):
        model.step = step  # type: ignore[method-assign]
        rate = bench.rate(train, batch)
        yield f"G by points, training, {way}, {steps} points, batch {batch}", rate, "pairs/s"
    model.step = eager  # type: ignore[method-assign]

    with bench.compute.scoring(model):
        encoding = model.encode(maps)
        noise = draw_noise(batch, steps, settings.latent, model.mixtures, None, device)

    def point(row: Tensor, pen: Tensor, h: Tensor, c: Tensor, *of_point: Tensor) -> tuple[Tensor, ...]:
        (h, c), _ = model.step(encoding, row, pen, (h, c))
        row = draw_rows(*model.output(h), *of_point)
        return row, pen + row[:, :2], h, c

    first = (start_token(batch, device), torch.zeros(batch, 2, device=device))
    with torch.no_grad():
        first += model.initial_state(encoding, noise.latent)
        ways: dict[str, Callable[..., tuple[Tensor, ...]]] = {"eager": point, "compiled": torch.compile(point)}
        if device.type == "cuda":
            arguments = (*first, *(part[0] for part in noise[1:]))
            graph = torch.cuda.make_graphed_callables(point, tuple(part.clone() for part in arguments))
            ways["CUDA graph of a point"] = lambda *given: tuple(part.clone() for part in graph(*given))
        for way, call in ways.items():
            rate = bench.rate(partial(_draw, call, first, noise), batch)
            yield f"G by points, sampling, {way}, {steps} points, batch {batch}", rate, "drawings/s"


def _draw(point: Callable[..., tuple[Tensor, ...]], state: tuple[Tensor, ...], noise: Noise) -> None:
    with torch.no_grad():
        for of_point in zip(*noise[1:], strict=True):
            state = point(*state, *of_point)


def run(bench: Bench) -> Iterator[Line]:
    """The stages of a run on a set as large as ChairV2, each in a process of its own, as DVC runs them."""
    folder = bench.work / "run"
    folder.mkdir(exist_ok=True)
    write_text(folder / "params.yaml", yaml.safe_dump(bench.params.model_dump(mode="json")))
    for stage in STAGES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            seconds, step = alone.submit(run_stage, stage, folder).result()
        yield f"run as large as ChairV2: {stage}", seconds, "s"
        if stage in TRAINED:
            what = "a round (steps of F, D_C and G)" if stage == "joint" else "a step"
            yield f"run as large as ChairV2: {stage}, {what}", 1e3 * step, "ms"


def run_stage(stage: str, folder: Path) -> tuple[float, float]:
    """Seconds of a stage in ``folder``, imports too, and of the middle one of its steps, 0 where it has none.

    A stage that has run there is not run again. For a process of its own: the working folder changes.
    """
    done = folder / f"{stage}.json"
    if not done.exists():
        os.chdir(folder)
        begin, ends = time.perf_counter(), list[float]()

        from fgsbir.runtime.run import Run

        noted = Run.step_done

        def step_done(self: Run, *given: Any) -> None:
            noted(self, *given)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            ends.append(time.perf_counter())

        Run.step_done = step_done  # type: ignore[method-assign]
        importlib.import_module(f"pipeline.{stage}").main()
        steps = [later - earlier for earlier, later in pairwise(ends)]
        write_text(done, json.dumps([time.perf_counter() - begin, statistics.median(steps) if steps else 0.0]))
    seconds, step = json.loads(done.read_text())
    return seconds, step
