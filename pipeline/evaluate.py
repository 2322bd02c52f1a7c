"""Stage evaluate: how well F retrieves and G draws the test photos, in numbers and pictures. Run by ``dvc repro``."""

from pathlib import Path

from pipeline.params import load
from pipeline.stage import run

METRICS = Path("metrics")
CURVES = {"F": "pretrain_retrieval", "G": "pretrain_generator", "D_C": "pseudo", "joint": "joint"}
FOLDERS = {
    "supervised": "retrieval",
    "joint": "joint/retrieval",
    "before_joint": "generator",
    "after_joint": "joint/generator",
    "discriminator": "joint/discriminator",
    "classifier": "sketch_classifier",
}


def main() -> None:
    params = load()
    settings = params.evaluate

    import numpy as np
    import torch

    from fgsbir.data.atomic import write_folder, write_json, write_text
    from fgsbir.data.shards import ShardStore
    from fgsbir.evaluation.comparison import compare, rank_table, rounded
    from fgsbir.evaluation.drawings import DrawingJudge
    from fgsbir.evaluation.generation import certainty_scores
    from fgsbir.evaluation.pictures import Pictures
    from fgsbir.evaluation.protocol import protocol
    from fgsbir.evaluation.ranking import ranking_percentile
    from fgsbir.evaluation.search import PhotoSizes, Search, evaluation_set
    from fgsbir.models.drawing import draw_sketches
    from fgsbir.models.store import load_model, read_config
    from fgsbir.training.discriminator import certainties

    if params.runtime.threads:
        torch.set_num_threads(params.runtime.threads)
    cuda = torch.cuda.is_available() and params.runtime.accelerator != "cpu"
    device, precision = torch.device("cuda" if cuda else "cpu"), params.precision
    bootstrap = {"resamples": settings.bootstrap, "seed": params.seed}
    models = {name: load_model(Path("models") / folder, map_location=device) for name, folder in FOLDERS.items()}
    made = {name: read_config(Path("models") / folder)["details"] for name, folder in FOLDERS.items()}
    store = ShardStore(Path("data/shards"))
    test = evaluation_set(store)
    sizes = PhotoSizes(store, test.photos, params.runtime.photo_cache_gib)

    # F: every test sketch searches the distinct test photos.
    searches = {
        name: Search(
            models[name],
            sizes.at(models[name].image_size),
            test,
            line_width=made[name]["line_width"],
            device=device,
            precision=precision,
        )
        for name in ("supervised", "joint")
    }
    ranks = {name: search.ranks for name, search in searches.items()}

    # G: one drawing of every test photo, judged by the supervised F and the classifier.
    judge = DrawingJudge(
        searches["supervised"],
        models["classifier"],
        made["classifier"],
        device=device,
        precision=precision,
        **bootstrap,
    )
    drawing = {"temperature": settings.temperature, "seed": params.seed, "device": device}
    judged = {
        name: judge.drawings(
            draw_sketches(models[name], sizes.at(models[name].image_size), batch=256, precision=precision, **drawing)
        )
        for name in ("before_joint", "after_joint")
    }

    # D_C: its certainty of those drawings, and of human sketches of the same photos.
    omega, omega_human = (
        certainties(
            models["discriminator"],
            sizes.at(models["discriminator"].image_size),
            rows,
            sketches,
            line_width=made["discriminator"]["line_width"],
            device=device,
            precision=precision,
        )
        for rows, sketches in (
            (np.arange(len(test.photos)), judged["after_joint"].strokes),
            (test.truth, test.sketches),
        )
    )
    percentile = ranking_percentile(judged["after_joint"].ranks, test.gallery_sizes)

    with write_folder(METRICS / "pictures") as folder:
        pictures = Pictures(folder, test, sizes, settings.pictures)
        pictures.retrieval(searches, settings.top_k)
        pictures.drawing(models["after_joint"], **drawing)
        pictures.before_after(judged)
        pictures.certainty(omega, percentile, omega_human, METRICS / "certainty.csv")
        pictures.curves({title: METRICS / f"{name}.csv" for title, name in CURVES.items()})
    write_text(METRICS / "ranks.csv", rank_table(test.sketch_ids, test.query_photo_ids, ranks))
    write_json(
        METRICS / "generator.json",
        {
            **{name: drawings.scores for name, drawings in judged.items()},
            "human": judge.human_scores(),
            "certainty": rounded(certainty_scores(omega, percentile)),
            "n_photos": len(test.photos),
            "n_human": len(test.sketches),
        },
    )
    write_json(
        METRICS / "evaluate.json",
        {
            **compare(ranks, np.array(test.query_photo_ids), **bootstrap),
            "n_query": len(test.sketches),
            "n_gallery": len(test.photos),
            "protocol": protocol(store.index, made["joint"], seed=params.seed, device=device, precision=precision),
        },
    )


if __name__ == "__main__":
    run(main)
