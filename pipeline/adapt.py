"""Stage adapt: F learns to adapt to new categories and users from a few pairs (paper 2). Run by ``dvc repro``."""

from dataclasses import fields
from functools import partial
from pathlib import Path

from pipeline.params import load
from pipeline.stage import run, scratch_folder

MODELS = Path("models/adaptive")
# How many inner steps are tried at the end, to show what more of them bring.
STEPS = range(6)


def main() -> None:
    params = load()
    settings = params.adapt

    import torch

    from fgsbir.data.atomic import write_folder, write_json
    from fgsbir.data.episodes import TaskPictures
    from fgsbir.data.shards import ShardStore
    from fgsbir.data.tasks import Kind, Part, task_set
    from fgsbir.data.word_vectors import read_word_vectors
    from fgsbir.evaluation.few_shot import FewShot
    from fgsbir.evaluation.task_ranks import COMPARED_AT, TaskRanks, accuracies, rank_lists
    from fgsbir.models.adaptive import AdaptiveModel
    from fgsbir.models.retrieval import RetrievalModel
    from fgsbir.models.store import load_model, read_config, save_model
    from fgsbir.training.checkpoint import Scratch
    from fgsbir.training.few_shot_methods import METHODS, TRAINED_AS, AdaptationSettings, fine_tuning, train_method
    from fgsbir.training.provenance import provenance
    from fgsbir.training.run import Row, write_curve
    from fgsbir.training.runtime import launch

    fabric = launch(params.runtime, params.precision)
    store = ShardStore(Path("data/shards"))
    supervised = load_model(Path("models/retrieval"), RetrievalModel, map_location=fabric.device)
    made = read_config(Path("models/retrieval"))["details"]
    names = {field.name for field in fields(AdaptationSettings)} - {"log_interval", "seed"}
    form = AdaptationSettings(
        **settings.model_dump(include=names), log_interval=params.runtime.log_interval, seed=params.seed
    )
    few_shot = partial(FewShot, device=fabric.device, precision=params.precision)
    scratch = scratch_folder("adapt")

    def pictures(kind: Kind, part: Part, unseen_too: bool = False) -> TaskPictures:
        return TaskPictures(
            store,
            task_set(store.index, kind, part, held_out=settings.held_out, unseen_too=unseen_too),
            size=made["image_size"],
            line_width=made["line_width"],
            limit_gib=params.runtime.photo_cache_gib,
            pool=settings.negatives == "pool",
        )

    def train(kind: Kind, name: str, choosing: TaskPictures) -> tuple[AdaptiveModel, list[Row]]:
        learning, words = pictures(kind, "train", METHODS[name].unseen_too), None
        if kind == "category" and settings.word_vectors and settings.word_vectors_sha256:
            categories = [task.name for task in learning.tasks.tasks]
            words = torch.from_numpy(read_word_vectors(settings.word_vectors, settings.word_vectors_sha256, categories))
        return train_method(
            fabric,
            supervised,
            METHODS[name],
            learning,
            choosing,
            form,
            kind=kind,
            name=f"{name}, {kind}",
            words=words,
            precision=params.precision,
            scratch=Scratch(scratch / f"{kind}-{name}"),
        )

    trained: dict[tuple[str, str], tuple[AdaptiveModel, list[Row]]] = {}
    found: dict[str, dict[str, dict[int, list[TaskRanks]]]] = {}
    over_steps: dict[str, dict[int, float]] = {}
    for kind in settings.tasks:
        choosing, reporting = pictures(kind, "val"), pictures(kind, "test")
        found[kind] = {}
        for method in settings.methods:
            source = TRAINED_AS.get(method, method)
            if (kind, source) not in trained:
                trained[kind, source] = train(kind, source, choosing)
            model = trained[kind, source][0]
            if METHODS[method].fine_tunes:
                model = fine_tuning(model, choosing, form, precision=params.precision)
            search = partial(few_shot(model, reporting).ranks, draws=settings.draws, seed=params.seed)
            found[kind][method] = {k: search(k=k, together=METHODS[method].together) for k in settings.shots}
        if "ours" in settings.methods and COMPARED_AT in settings.shots:
            tried = {count: few_shot(trained[kind, "ours"][0].with_steps(count), reporting) for count in STEPS}
            over_steps[kind] = {
                count: float(accuracies(one.ranks(k=COMPARED_AT, draws=settings.draws, seed=params.seed), 1).mean())
                for count, one in tried.items()
            }

    if fabric.is_global_zero:
        details = {key: made[key] for key in ("image_size", "line_width")} | {"negatives": settings.negatives}
        details |= provenance(store.index, made["data"]["labelled_frac"], params.seed, made["data"]["labelled_photos"])
        with write_folder(MODELS) as folder:
            for (of, name), (model, curve) in trained.items():
                save_model(folder / of / name, model, details=details | {"tasks": of, "method": name})
                write_curve(folder / of / name / "curve.csv", curve)
            ranks = {kind: rank_lists(of_kind) for kind, of_kind in found.items()}
            write_json(folder / "ranks.json", ranks, indent=None)
            write_json(folder / "steps.json", over_steps)
        for of, name in trained:
            Scratch(scratch / f"{of}-{name}").clear()


if __name__ == "__main__":
    run(main)
