"""Stage adapt: F learns to adapt to new categories and users from a few pairs (paper 2). Run by ``dvc repro``."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pipeline.params import load
from pipeline.stage import open_data, run, scratch_folder

MODELS = Path("models/adaptive")


def main() -> None:
    params = load()
    settings = params.adapt

    import torch

    from fgsbir.adaptation.comparison import compare_methods
    from fgsbir.adaptation.edge_side import SeenEdges, pooled_edges, ready_edges, some_of
    from fgsbir.adaptation.methods import METHODS, AdaptationSettings
    from fgsbir.adaptation.pictures import TaskPictures
    from fgsbir.adaptation.task_ranks import rank_lists
    from fgsbir.adaptation.tasks import Kind, Part, require_photos, task_set
    from fgsbir.adaptation.word_vectors import read_word_vectors
    from fgsbir.data.atomic import write_folder, write_json
    from fgsbir.data.records import DataError
    from fgsbir.data.selection import training_split
    from fgsbir.ready import READY_MODEL
    from fgsbir.retrieval.encoder import Encoder
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.model_folder import load_model, read_config, save_model
    from fgsbir.runtime.run import write_curve
    from fgsbir.runtime.training_data import training_data

    compute, pictures = open_data(params.runtime, params.precision, "data/shards", "data/features")
    index = pictures.shards.index
    if settings.start == "ready" and index.layout == "synthetic":
        raise DataError("adapt.start ready: the ready model has learned the default set's labels")
    start = READY_MODEL if settings.start == "ready" else Path("models/retrieval")
    supervised = load_model(start, RetrievalModel, map_location=compute.device)
    if supervised.spec != pictures.spec:
        raise DataError(
            f"adapt.start {settings.start} needs the features that it was made with: {supervised.spec.as_json()}"
        )
    data = read_config(Path("models/retrieval"))["details"]["data"]
    scratch = scratch_folder("adapt")

    tasks = partial(task_set, index, labelled_frac=data["labelled_frac"], held_out=settings.held_out)

    # What cannot be is said before anything is trained. Of what is learned from a photo is left to query with.
    asked: dict[Part, tuple[int, str]] = {
        "train": (settings.support + 1, "adapt.support and a query"),
        "val": (settings.support, "adapt.support"),
        "test": (max(settings.shots), "adapt.shots"),
    }
    seen_edges = None
    if any(METHODS[name].edges for name in settings.methods):
        # Where it is not the ready model's, of the photos that F was trained on.
        seen_edges = ready_edges(read_config(start)["sha256"])
        if seen_edges is None:
            learned = some_of(training_split(index, data["labelled_frac"]).labelled)
            encoder = Encoder(supervised, compute)
            edges = pooled_edges(encoder, [pictures.shards.read_photo(photo) for photo in learned])
            seen_edges = SeenEdges(edges.mean(0), len(edges))

    trained = any(METHODS[name].trained for name in settings.methods)
    if trained and not any(settings.shots):
        raise DataError("adapt.shots: a method that is trained needs a number above 0")
    for kind in settings.tasks:
        for part, (pairs, param) in asked.items():
            if part != "test" and not trained:
                continue
            for task in tasks(kind, part).tasks:
                require_photos(task, pairs, param)

    def task_pictures(kind: Kind, part: Part, unseen_too: bool) -> TaskPictures:
        pool = settings.negatives == "pool"
        return TaskPictures(pictures, tasks(kind, part, unseen_too=unseen_too), supervised, compute, pool=pool)

    def words(categories: Sequence[str]) -> torch.Tensor | None:
        if not settings.word_vectors or not settings.word_vectors_sha256:
            return None
        return torch.from_numpy(read_word_vectors(settings.word_vectors, settings.word_vectors_sha256, categories))

    numbers = settings.of(AdaptationSettings)
    compared = {
        kind: compare_methods(
            compute,
            supervised,
            settings.methods,
            partial(task_pictures, kind),
            AdaptationSettings(**numbers, log_interval=params.runtime.log_interval, seed=params.seed),
            kind=kind,
            shots=settings.shots,
            draws=settings.draws,
            words=words,
            scratch=scratch,
            seen_edges=seen_edges,
        )
        for kind in settings.tasks
    }

    if compute.is_main:
        details = {"negatives": settings.negatives}
        details |= training_data(index, data["labelled_frac"], params.seed, data["labelled_photos"])
        with write_folder(MODELS) as folder:
            for kind, comparison in compared.items():
                for name, (model, curve) in comparison.trained.items():
                    if name == "none":
                        continue
                    save_model(folder / kind / name, model, details=details | {"tasks": kind, "method": name})
                    if curve:
                        write_curve(folder / kind / name / "curve.csv", curve)
            ranks = {kind: rank_lists(comparison.found) for kind, comparison in compared.items()}
            write_json(folder / "ranks.json", ranks, indent=None)
            over_steps = {kind: comparison.over_steps for kind, comparison in compared.items()}
            write_json(folder / "steps.json", {kind: steps for kind, steps in over_steps.items() if steps})
        Scratch(scratch).clear()


if __name__ == "__main__":
    run(main)
