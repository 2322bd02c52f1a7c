"""The model card of the adaptive models; see :mod:`fgsbir.evaluation.model_card`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fgsbir.evaluation.adaptation import LABELS
from fgsbir.evaluation.model_card import NOT_FOR_PEOPLE, card

WRONG_PAIRS = "Wrong pairs in the support teach it wrong ones; nothing notices them."


def adaptive_card(configs: Mapping[str, Mapping[str, Any]], scores: Mapping[str, Any]) -> str:
    """The card of the models ``configs``, by their folders in models/adaptive; ``scores`` is metrics/adapt.json."""
    if not configs:
        return "# Adaptive models\n\nNone was trained: `adapt.tasks` is empty.\n"
    details = next(iter(configs.values()))["details"]
    data = details["data"]
    return card(
        "Adaptive models",
        "The supervised F, meta-trained so that a few pairs of sketch and photo adapt it to a new category, or to one "
        "person's hand (paper 2). `ours` adapts; `baseline` is trained alike on the same tasks and does not. "
        "`fgsbir adapt` makes a retrieval model of one from a folder of pairs.",
        data=[
            f"set: {data['name']}, layout {data['layout']}; "
            f"supervised F of {data['category'] or 'all seen categories'}",
            f"split: {data['split_hash']}",
            f"seed {details['seed']}, commit {details['commit'] or 'unknown'}, torch {details['torch']}",
            *(f"SHA-256 of {name}: {config['sha256']}" for name, config in configs.items()),
        ],
        protocol=[
            "Categories and users that no training of these models has read, `upper_bound` excepted, which is trained "
            "on their training pairs; the pairs of the support are drawn at random, several times, and the means are "
            "given",
            "Percent of sketches whose photo is first, with 95 % bootstrap intervals over photos",
        ],
        numbers=[line for kind, found in scores.items() for line in ("", f"### New {kind}", "", *_table(found))][1:],
        limits=[
            "The numbers stand with their intervals: where a difference's interval holds 0, no gain is shown.",
            f"It sees pictures of {details['image_size']} x {details['image_size']} pixels.",
            "Few tasks to learn adaptation from, few to measure it on, and one training run.",
            *(
                ["Drawers and categories are a program's; real people's hands were not measured."]
                if data["layout"] == "synthetic"
                else []
            ),
            WRONG_PAIRS,
            NOT_FOR_PEOPLE,
        ],
        loading="from fgsbir.models.adaptive import AdaptiveModel\n"
        "from fgsbir.models.store import load_model\n\n"
        f'model = load_model(Path("models/adaptive/{_shown(configs)}"), AdaptiveModel)  # .adapted(triplets)',
    )


def adapted_card(config: Mapping[str, Any], folder: Path) -> str:
    """The card of a retrieval model in ``folder``, adapted to somebody's own pairs, from its ``config.json``."""
    details = config["details"]
    data, origin = details["data"], details["adapted"]
    return card(
        "Retrieval model F, adapted",
        "A photo or the raster of a sketch becomes a point; a sketch finds the photos whose points lie nearest. "
        "An adaptive model's head, moved by a few pairs of sketch and photo (paper 2).",
        data=[
            f"adapted to {origin['pairs']} pairs; SHA-256 of their pixels: {origin['support_sha256']}",
            f"from the adaptive model of SHA-256 {origin['model']}",
            f"which was trained on: {data['name']}, layout {data['layout']}, split {data['split_hash']}",
            f"SHA-256 of the weights: {config['sha256']}",
        ],
        protocol=[],
        numbers=[
            "None: all pairs were used to adapt, and none is left to measure by. How such models did on the training "
            "set's own new categories and users stands in the card of the adaptive model."
        ],
        limits=[
            f"It sees pictures of {details['image_size']} x {details['image_size']} pixels.",
            "It was made for the kind of thing, or the hand, that the pairs show.",
            WRONG_PAIRS,
            NOT_FOR_PEOPLE,
        ],
        loading="from fgsbir.search.encoder import Encoder\n\n"
        f"encoder = Encoder.load(Path({json.dumps(str(folder))}))  # .photos(pixels), .sketch(strokes)",
    )


def _shown(configs: Mapping[str, Any]) -> str:
    return min(configs, key=lambda name: (not name.endswith("ours"), name))


def _table(found: Mapping[str, Any]) -> list[str]:
    """One kind of task: a row a method, a column a number of pairs; and the differences under it."""
    methods = {name: of_k for name, of_k in found.items() if "difference" not in of_k}
    shots = sorted({int(k) for of_k in methods.values() for k in of_k})
    lines = [
        f"| acc@1 after | {' | '.join('1 pair' if k == 1 else f'{k} pairs' for k in shots)} |",
        "|" + " --- |" * (len(shots) + 1),
    ]
    for name, of_k in methods.items():
        cells = (
            f"{of_k[str(k)]['acc@1']:.1f} [{of_k[str(k)]['low']:.1f}, {of_k[str(k)]['high']:.1f}]"
            if str(k) in of_k
            else ""
            for k in shots
        )
        lines.append(f"| {LABELS[name]} | {' | '.join(cells)} |")
    lines.append("")
    lines += [
        f"- {name.replace('_minus_', ' - ').replace('_', ' ')}, after 5 pairs: "
        f"{entry['difference']:.1f} [{entry['low']:.1f}, {entry['high']:.1f}] points"
        for name, entry in found.items()
        if "difference" in entry
    ]
    return lines
