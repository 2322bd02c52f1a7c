"""Model cards: what a model is for, from what it was made, how it was measured, and what nobody knows of it.

Markdown of what the model folders and the metrics say, and of nothing else, so that a card cannot be out of step with
its model. ``config`` is a folder's ``config.json``, ``evaluation`` metrics/evaluate.json, ``drawings``
metrics/generator.json. Percent and pixels, as there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Config = Mapping[str, Any]
Metrics = Mapping[str, Any]

LICENCE = (
    "The code and the default data set are under Apache-2.0 (LICENSE). For weights trained on another data set its "
    "own terms count as well."
)
NOT_FOR_PEOPLE = "Not for finding or recognising people, nor wherever a wrong match would harm someone."
SCORES = {"acc@1": "acc@1", "acc@5": "acc@5", "acc@10": "acc@10", "mean_rank": "mean rank"}
OF_SEARCH = (
    "It always answers: a sketch of a thing that is not in the gallery gets the nearest photos all the same, and a "
    "distance is no probability.",
    NOT_FOR_PEOPLE,
)
OF_DRAWING = (
    "It draws what it knows: a photo of anything else becomes a wrong sketch, not none.",
    "Its sketches have fewer points than people's, since it learned from simplified ones.",
)
OF_THE_SET = "sketches of the set"
OF_CERTAINTY = "A certainty orders sketches by trust; it is no probability, and was calibrated on nothing."


def retrieval_card(config: Config, evaluation: Metrics) -> str:
    """The card of the supervised F."""
    return card(
        "Retrieval model F, supervised",
        "A photo or the raster of a sketch becomes a point; a sketch finds the photos whose points lie nearest. "
        "Trained on the labelled pairs alone: what joint training starts from, and is compared with.",
        data=_data(config),
        protocol=_protocol(evaluation),
        numbers=_retrieval_table(evaluation, {"supervised": "F, supervised"}),
        limits=[*_limits(config), *OF_SEARCH],
        loading="from fgsbir.search.encoder import Encoder\n\n"
        'encoder = Encoder.load(Path("models/retrieval"))  # .photos(pixels), .sketch(strokes)',
    )


def generator_card(config: Config, evaluation: Metrics, drawings: Metrics) -> str:
    """The card of G before joint training."""
    return card(
        "Generator G, before joint training",
        "Draws a photo as a sequence of pen strokes. It sees by the network of the supervised F, has learned from the "
        "edges in all photos where lines are, if its params say so, and then from the labelled pairs how people draw.",
        data=_data(config),
        protocol=_protocol(evaluation),
        numbers=_drawing_table(drawings, {"before_joint": "G before joint training", "human": OF_THE_SET}),
        limits=[*_limits(config), *OF_DRAWING],
        loading="from fgsbir.search.draughtsman import Draughtsman\n\n"
        'draughtsman = Draughtsman.load(Path("models/generator"))  # .draw([photo.read_bytes()])',
    )


def discriminator_card(config: Config) -> str:
    """The card of D_C before joint training, of which nothing is measured alone."""
    return card(
        "Discriminator D_C, before joint training",
        "Says how much a photo and a sketch look like a real pair. It weighs pseudo pairs in training.",
        data=_data(config),
        protocol=["It is not measured by itself; what its successor's certainty is worth stands in joint.md."],
        numbers=[],
        limits=[*_limits(config), OF_CERTAINTY],
        loading="from fgsbir.models.discriminator import Discriminator\n"
        "from fgsbir.models.store import load_model\n\n"
        'discriminator = load_model(Path("models/discriminator"), Discriminator)',
    )


def sketch_classifier_card(config: Config, evaluation: Metrics, drawings: Metrics) -> str:
    """The card of the classifier that judges drawings."""
    classes = config["details"].get("classes", [])
    of_what = evaluation["protocol"]["category"]
    # Where photos are its classes, those of the test sketches are none of them.
    named = drawings["human"].get("recognition")
    return card(
        "Sketch classifier",
        f"Names a sketch, one of {len(classes)} classes. It judges G's drawings (recognition, and the features of the "
        "FID) and trains nothing.",
        data=[*_data(config), f"classes: {', '.join(map(str, classes))}"],
        protocol=[f"{drawings['n_human']:,} test sketches by the set's drawers; category: {of_what}"],
        numbers=[] if named is None else [f"{named:.1f} % of them are named rightly."],
        limits=[*_limits(config), "FIDs in its features compare with each other and with no published ones."],
        loading="from fgsbir.models.sketch_classifier import SketchClassifier\n"
        "from fgsbir.models.store import load_model\n\n"
        'classifier = load_model(Path("models/sketch_classifier"), SketchClassifier)',
    )


def joint_card(configs: Mapping[str, Config], evaluation: Metrics, drawings: Metrics) -> str:
    """The card of F, G and D_C after joint training; ``configs`` by the names of their folders in models/joint."""
    config, certainty = configs["retrieval"], drawings["after_joint"]["certainty"]
    rows = {"supervised": "F, supervised", "joint": "F, joint", "joint_minus_supervised": "joint - supervised"}
    return card(
        "F, G and D_C after joint training",
        "F finds photos by a sketch; G draws photos; D_C says how far to trust a pair of photo and sketch. All three "
        "trained each other on labelled pairs and on photos that nobody has drawn. The commands take them by default.",
        data=[
            *_data(config),
            *(f"SHA-256 of {name}: {of['sha256']}" for name, of in configs.items() if name != "retrieval"),
        ],
        protocol=_protocol(evaluation),
        numbers=[
            *_retrieval_table(evaluation, rows),
            "",
            *_drawing_table(
                drawings,
                {
                    "before_joint": "G before joint training",
                    "after_joint": "G after it",
                    "human": OF_THE_SET,
                },
            ),
            "",
            f"D_C's certainty of G's drawings against how well F finds them: Spearman {certainty['spearman_bins']:.2f} "
            f"over bins, {certainty['spearman_photos']:.2f} over photos.",
        ],
        limits=[*_limits(config), *OF_SEARCH, *OF_DRAWING, OF_CERTAINTY],
        loading="from fgsbir.search.draughtsman import Draughtsman\n"
        "from fgsbir.search.encoder import Encoder\n\n"
        'encoder = Encoder.load(Path("models/joint"))\n'
        'draughtsman = Draughtsman.load(Path("models/joint"))  # with D_C\'s certainty',
    )


def card(
    title: str,
    purpose: str,
    *,
    data: Sequence[str],
    protocol: Sequence[str],
    numbers: Sequence[str],
    limits: Sequence[str],
    loading: str,
) -> str:
    """A model card, in Markdown; a section without lines is left out."""
    sections = {
        "Purpose": [purpose],
        "Data": [f"- {fact}" for fact in data],
        "Protocol": [f"- {fact}" for fact in protocol],
        "Numbers": list(numbers),
        "Limits": [f"- {limit}" for limit in limits],
        "Loading": ["```python", "from pathlib import Path\n", loading, "```"],
        "Licence": [LICENCE],
    }
    body = "\n\n".join("\n".join([f"## {name}", "", *lines]) for name, lines in sections.items() if lines)
    return f"# {title}\n\n{body}\n"


def _data(config: Config) -> list[str]:
    details = config["details"]
    data = details["data"]
    unlabelled = details.get("unlabelled_photos")
    return [
        f"set: {data['name']}, layout {data['layout']}, category {data['category'] or 'all seen ones'}",
        f"labelled photos: {data['labelled_photos']:,} (labelled_frac {data['labelled_frac']:g})",
        *([] if unlabelled is None else [f"unlabelled photos: {unlabelled:,} ({details['unlabelled_frac']:g} of all)"]),
        f"split: {data['split_hash']}",
        f"seed {details['seed']}, commit {details['commit'] or 'unknown'}, torch {details['torch']}",
        f"SHA-256 of the weights: {config['sha256']}",
    ]


def _protocol(evaluation: Metrics) -> list[str]:
    found = evaluation["protocol"]
    return [
        f"{evaluation['n_query']:,} test sketches search {evaluation['n_gallery']:,} test photos; "
        f"gallery: {found['gallery']}; queries: {found['queries']}",
        str(found["tie_rule"]),
        f"chosen by: {found['selection']}",
        f"intervals: {found['interval']}; seed {found['seed']}, {found['precision']} on {found['device']}",
        "what else the test photos have served for: README.md, Protocol",
    ]


def _retrieval_table(evaluation: Metrics, rows: Mapping[str, str]) -> list[str]:
    return [
        "Percent of sketches whose photo is among the first 1, 5 and 10, and its mean rank, with 95 % intervals.",
        "",
        *_table(
            ["", *SCORES.values()],
            [[title, *(_interval(evaluation[row], score) for score in SCORES)] for row, title in rows.items()],
        ),
    ]


def _drawing_table(drawings: Metrics, rows: Mapping[str, str]) -> list[str]:
    cells = [
        [
            title,
            *(_interval(drawings[row], score) for score in ("acc@1", "acc@10")),
            *(_rounded(drawings[row].get(score), decimals) for score, decimals in (("fid", 2), ("recognition", 1))),
            *(_rounded(drawings[row].get(score), 1) for score in ("ended", "points", "strokes")),
        ]
        for row, title in rows.items()
    ]
    heading = ["", "found, acc@1", "acc@10", "FID", "named rightly, %", "ended by itself, %", "points", "strokes"]
    return [
        f"Sketches of the {drawings['n_photos']:,} test photos, searched with by the supervised F; of G's there are "
        f"{drawings['n_drawings']} of each.",
        "",
        *_table(heading, cells),
    ]


def _limits(config: Config) -> list[str]:
    data, size = config["details"]["data"], config["details"]["image_size"]
    drawn = data["layout"] == "synthetic"
    source = (
        "A program drew the set's photos and sketches. Real photos and real people's drawings were not measured."
        if drawn
        else f"Trained and measured on {data['name']} alone, whose photos are alike in how they were taken."
    )
    kinds = (
        f"Measured on the category {data['category']} alone"
        if data["category"]
        else "Measured on the set's seen categories"
    )
    return [
        source,
        f"{kinds}; nothing is known of other kinds of things.",
        f"It sees pictures of {size} x {size} pixels: what is finer does not count.",
        "It has learned the hands of the set's drawers. How well it serves people who draw otherwise was not measured.",
        "One training run: the intervals are over photos, and say nothing of other seeds.",
    ]


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heading, ["---"] * len(heading), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _interval(scores: Metrics, name: str) -> str:
    low, high = scores[f"{name}_low"], scores[f"{name}_high"]
    return f"{scores[name]:.1f} [{low:.1f}, {high:.1f}]"


def _rounded(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:.{decimals}f}"
