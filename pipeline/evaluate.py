"""Stage evaluate: how well F retrieves and G draws the test photos, in numbers and pictures. Run by ``dvc repro``."""

from functools import partial
from pathlib import Path

from pipeline.params import load
from pipeline.stage import run

METRICS = Path("metrics")
CURVES = {
    "pretrain_retrieval": "retrieval/curve.csv",
    "pretrain_generator": "generator/curve.csv",
    "sketch_classifier": "sketch_classifier/curve.csv",
    "pseudo": "discriminator/curve.csv",
    "joint": "joint/curve.csv",
    "certainty": "joint/certainty.csv",
}
PLOTTED = {"F": "pretrain_retrieval", "G": "pretrain_generator", "D_C": "pseudo", "joint": "joint"}
FOLDERS = {
    "supervised": "retrieval",
    "joint": "joint/retrieval",
    "before_joint": "generator",
    "after_joint": "joint/generator",
    "discriminator_before_joint": "discriminator",
    "discriminator_after_joint": "joint/discriminator",
    "classifier": "sketch_classifier",
}


def main() -> None:
    params = load()
    settings = params.evaluate

    import numpy as np
    import torch

    from fgsbir.certainty.certainty import certainties
    from fgsbir.certainty.discriminator import Discriminator
    from fgsbir.data.atomic import write_bytes, write_folder, write_json, write_text
    from fgsbir.data.shards import ShardStore
    from fgsbir.evaluation.comparison import compare, rank_table, rounded
    from fgsbir.evaluation.drawings import DrawingJudge
    from fgsbir.evaluation.generation import certainty_scores
    from fgsbir.evaluation.pictures import Pictures
    from fgsbir.evaluation.protocol import protocol
    from fgsbir.evaluation.search import PhotoSizes, Search, evaluation_set
    from fgsbir.evaluation.sketch_classifier import SketchClassifier
    from fgsbir.generator.drawing import draw_sketches
    from fgsbir.generator.model import Generator
    from fgsbir.generator.sequences import simplify_to
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.retrieval.ranking import ranking_percentile
    from fgsbir.runtime.model_folder import load_model, read_config

    if params.runtime.threads:
        torch.set_num_threads(params.runtime.threads)
    cuda = torch.cuda.is_available() and params.runtime.accelerator != "cpu"
    device, precision, seed = torch.device("cuda" if cuda else "cpu"), params.precision, params.seed
    model_of = partial(load_model, map_location=device)
    retrieval = {name: model_of(Path("models") / FOLDERS[name], RetrievalModel) for name in ("supervised", "joint")}
    generators = {name: model_of(Path("models") / FOLDERS[name], Generator) for name in ("before_joint", "after_joint")}
    discriminators = {
        name: model_of(Path("models") / FOLDERS[f"discriminator_{name}"], Discriminator) for name in generators
    }
    classifier = model_of(Path("models") / FOLDERS["classifier"], SketchClassifier)
    made = {name: read_config(Path("models") / folder)["details"] for name, folder in FOLDERS.items()}
    store = ShardStore(Path("data/shards"))
    test = evaluation_set(store)
    sizes = PhotoSizes(store, test.photos, params.runtime.photo_cache_gib)
    pixels = {name: sizes.at(made[name]["image_size"]) for name in FOLDERS}

    # F: every test sketch searches the distinct test photos.
    search = partial(Search, test=test, device=device, precision=precision)
    searches = {
        name: search(model, pixels[name], line_width=made[name]["line_width"]) for name, model in retrieval.items()
    }
    ranks = {name: search.ranks for name, search in searches.items()}
    scores = compare(ranks, np.array(test.query_photo_ids), resamples=settings.bootstrap, seed=seed)

    # G: drawings of every test photo, judged by the supervised F and the classifier.
    draw = partial(draw_sketches, temperature=settings.temperature, batch=256, device=device, precision=precision)
    judge = DrawingJudge(
        searches["supervised"],
        classifier,
        made["classifier"],
        resamples=settings.bootstrap,
        seed=seed,
        device=device,
        precision=precision,
    )
    judged = {
        name: judge.drawings(
            [draw(model, pixels[name], seed=seed + 1000 * number) for number in range(settings.drawings)]
        )
        for name, model in generators.items()
    }

    # D_C: its certainty of the first drawings, and of human sketches of the same photos, simplified as in training.
    weigh = {
        name: partial(
            certainties,
            model,
            pixels[f"discriminator_{name}"],
            line_width=made[f"discriminator_{name}"]["line_width"],
            device=device,
            precision=precision,
        )
        for name, model in discriminators.items()
    }
    omega = {name: weigh[name](np.arange(len(test.photos)), drawn.strokes) for name, drawn in judged.items()}
    percentile = {name: ranking_percentile(drawn.ranks, test.gallery_sizes) for name, drawn in judged.items()}
    simplify = partial(
        simplify_to, tolerance=made["after_joint"]["simplify"], max_points=generators["after_joint"].max_points
    )
    omega_human = weigh["after_joint"](test.truth, [simplify(strokes) for strokes in test.sketches])

    # The curves come with the models. They are unpacked here and not written by the stages that trained, because
    # DVC does not share a run with outputs that git keeps: this stage runs again in every clone, the others need not.
    for name, source in CURVES.items():
        write_bytes(METRICS / f"{name}.csv", (Path("models") / source).read_bytes())
    with write_folder(METRICS / "pictures") as folder:
        pictures = Pictures(folder, test, sizes, settings.pictures)
        pictures.retrieval(searches, settings.top_k)
        pictures.drawing(generators["after_joint"], temperature=settings.temperature, seed=seed, device=device)
        pictures.before_after(judged)
        pictures.certainty(omega["after_joint"], percentile["after_joint"], omega_human, METRICS / "certainty.csv")
        pictures.curves({title: METRICS / f"{name}.csv" for title, name in PLOTTED.items()})
    write_text(METRICS / "ranks.csv", rank_table(test.sketch_ids, test.query_photo_ids, ranks))
    sketches = {
        name: drawings.scores | {"certainty": rounded(certainty_scores(omega[name], percentile[name]))}
        for name, drawings in judged.items()
    } | {
        "human": judge.human_scores(),
        "n_photos": len(test.photos),
        "n_drawings": settings.drawings,
        "n_human": len(test.sketches),
    }
    write_json(METRICS / "generator.json", sketches)
    report = scores | {
        "n_query": len(test.sketches),
        "n_gallery": len(test.photos),
        "protocol": protocol(store.index, made["joint"], seed=seed, device=device, precision=precision),
    }
    write_json(METRICS / "evaluate.json", report)


if __name__ == "__main__":
    run(main)
