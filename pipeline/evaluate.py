"""Stage evaluate: how well F retrieves and G draws the test photos, in numbers and pictures. Run by ``dvc repro``."""

from functools import partial
from pathlib import Path

from pipeline.params import load
from pipeline.stage import open_data, run

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


def main() -> None:
    params = load()
    settings = params.evaluate

    import numpy as np

    from fgsbir.certainty.discriminator import Discriminator, certainties
    from fgsbir.data.atomic import write_bytes, write_folder, write_json, write_text
    from fgsbir.evaluation.charts import certainty_chart, curves_chart, histogram_chart, read_curve
    from fgsbir.evaluation.comparison import compare, rank_table, rounded
    from fgsbir.evaluation.drawings import DrawingJudge
    from fgsbir.evaluation.generation import certainty_scores
    from fgsbir.evaluation.pictures import before_after_sheet, drawing_sheet, retrieval_sheet
    from fgsbir.evaluation.protocol import protocol
    from fgsbir.evaluation.search import Search, evaluation_set
    from fgsbir.generator.drawing import DOT, Sketches, draw_sketches
    from fgsbir.generator.kinds import AnyGenerator, load_generator
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.retrieval.ranking import ranking_percentile
    from fgsbir.runtime.model_folder import load_model, read_config
    from fgsbir.sketch_classifier.model import SketchClassifier

    seed = params.seed
    compute, pictures = open_data(params.runtime, params.precision, "data/shards", "data/features", "data/edges")
    test = evaluation_set(pictures)
    model_of = partial(load_model, map_location=compute.device)
    trained = {"before_joint": Path("models"), "after_joint": Path("models/joint")}
    generators = {name: load_generator(folder / "generator", compute.device) for name, folder in trained.items()}
    discriminators = {name: model_of(folder / "discriminator", Discriminator) for name, folder in trained.items()}

    # F: every test sketch searches the distinct test photos.
    searches = {
        "supervised": Search(model_of(Path("models/retrieval"), RetrievalModel), test, compute),
        "joint": Search(model_of(Path("models/joint/retrieval"), RetrievalModel), test, compute),
    }
    ranks = {name: search.ranks for name, search in searches.items()}
    scores = compare(ranks, np.array(test.query_photo_ids), resamples=settings.bootstrap, seed=seed)

    # G: drawings of every test photo, judged by the supervised F and the classifier.
    judge = DrawingJudge(
        search=searches["supervised"],
        classifier=model_of(Path("models/sketch_classifier"), SketchClassifier),
        details=read_config(Path("models/sketch_classifier"))["details"],
        resamples=settings.bootstrap,
        seed=seed,
        compute=compute,
    )
    rows = np.arange(len(test.photos))

    def drawings(model: AnyGenerator) -> list[Sketches]:
        photos = test.photo_inputs(model.level)
        draw = partial(draw_sketches, model, photos, rows, 0, temperature=settings.temperature, compute=compute)
        return [draw(seed=seed + 1000 * number) for number in range(settings.drawings)]

    of_edges, judged = {}, {}
    if settings.drawings:
        judged = {name: judge.drawings(drawings(model)) for name, model in generators.items()}
        edges = [edges.drawing if len(edges.drawing) > 1 else DOT for edges in pictures.edges_of(test.photos)]
        of_edges = {"edges": judge.drawings([Sketches(edges, np.ones(len(edges), bool))])}

    # D_C: its certainty of the drawings, and of a person's sketch of each photo, as it knows them from training.
    shown, sizes = np.tile(rows, settings.drawings), np.tile(test.gallery_sizes, settings.drawings)
    weigh = {
        name: partial(certainties, model, test.photo_inputs(model.level), compute=compute)
        for name, model in discriminators.items()
    }

    def of_photos(values: np.ndarray) -> np.ndarray:
        """The mean over each photo's drawings, which are alike."""
        return values.reshape(settings.drawings, -1).mean(0)

    omega = {name: of_photos(weigh[name](shown, drawn.strokes, generated=True)) for name, drawn in judged.items()}
    percentile = {name: of_photos(ranking_percentile(drawn.ranks, sizes)) for name, drawn in judged.items()}
    if judged:
        drawn, first = np.unique(test.truth, return_index=True)
        sketches = [test.sketches[query] for query in first]
        if read_config(Path("models/discriminator"))["details"]["fakes"] != "mismatched":
            sketches = list(map(generators["after_joint"].form.simplified, sketches))
        omega_of_people = weigh["after_joint"](drawn, sketches, generated=False)

    if not compute.is_main:
        return
    # The curves come with the models. They are unpacked here and not written by the stages that trained, because
    # DVC does not share a run with outputs that git keeps: this stage runs again in every clone, the others need not.
    for name, source in CURVES.items():
        write_bytes(METRICS / f"{name}.csv", (Path("models") / source).read_bytes())
    with write_folder(METRICS / "pictures") as folder:
        retrieval_sheet(folder / "retrieval.jpg", searches, count=settings.pictures, k=settings.top_k)
        watched = partial(drawing_sheet, temperature=settings.temperature, seed=seed, compute=compute)
        watched(folder / "drawing.jpg", test, generators["after_joint"], count=settings.pictures)
        if judged:
            before_after_sheet(folder / "before_after.jpg", test, judged, count=2 * settings.pictures)
            certainty_chart(folder / "certainty.png", omega["after_joint"], percentile["after_joint"], omega_of_people)
        histogram_chart(folder / "certainty_training.png", read_curve(METRICS / "certainty.csv"))
        curves = {title: read_curve(METRICS / f"{name}.csv") for title, name in PLOTTED.items()}
        curves_chart(folder / "curves.png", curves)
    write_text(METRICS / "ranks.csv", rank_table(test.sketch_ids, test.query_photo_ids, ranks))
    ranks_of_drawings = {name: drawn.ranks for name, drawn in judged.items()}
    ranks_of_drawings |= {name: np.tile(drawn.ranks, settings.drawings) for name, drawn in of_edges.items()}
    names = [f"{name}.{number}" for number in range(settings.drawings) for name in test.photo_ids]
    write_text(METRICS / "drawings.csv", rank_table(names, test.photo_ids * settings.drawings, ranks_of_drawings))
    figures = {
        name: drawn.scores | {"certainty": rounded(certainty_scores(omega[name], percentile[name]))}
        for name, drawn in judged.items()
    } | {
        **{name: drawn.scores for name, drawn in of_edges.items()},
        "people": judge.scores_of_people(),
        "n_photos": len(test.photos),
        "n_drawings": settings.drawings,
        "n_sketches": len(test.sketches),
    }
    write_json(METRICS / "generator.json", figures)
    joint = read_config(Path("models/joint/retrieval"))["details"]
    report = scores | {
        "n_query": len(test.sketches),
        "n_gallery": len(test.photos),
        "protocol": protocol(pictures.shards.index, joint, seed=seed, compute=compute),
    }
    write_json(METRICS / "evaluate.json", report)


if __name__ == "__main__":
    run(main)
