"""Measures models on development photos: ``python -m pipeline.development [FOLDER ...]``.

They are the test photos of another default data set, drawn with the next ``synthesise.seed``. Settings are chosen
on them, since a hundred validation photos decide little, and test photos must not. A FOLDER holds the models of a
run, by default ``models``. The photos are drawn once, into ``.scratch/development``.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from pipeline.params import load
from pipeline.recipes import Recipes, changed
from pipeline.report import table
from pipeline.stage import ROOT, run

logger = logging.getLogger(__name__)

KEPT = Path(".scratch/development")
SYNTHETIC = {"dataset.layout": "synthetic", "dataset.root": "data/raw/synthetic"}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline.development", description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, default=[Path("models")], help="folders of models (models)")
    parser.add_argument("--drawings", type=int, default=2, help="drawings of each photo by G (%(default)s)")
    asked = parser.parse_args(arguments)
    params = load()
    changes = SYNTHETIC | {"synthesise.seed": params.synthesise.seed + 1}
    recipes = Recipes(ROOT, KEPT.resolve())
    steps = recipes.steps(changed(params.model_dump(mode="json"), changes), "shard")
    if recipes.run(steps.values(), jobs=1, report=logger.info):
        raise SystemExit(f"error: the development photos could not be drawn; see the logs in {KEPT}")

    import numpy as np
    import torch

    from fgsbir.data.shards import ShardStore
    from fgsbir.evaluation.comparison import compare
    from fgsbir.evaluation.ranking import acc_at
    from fgsbir.evaluation.search import PhotoSizes, Search, evaluation_set
    from fgsbir.models.drawing import draw_sketches
    from fgsbir.models.generator import Generator
    from fgsbir.models.retrieval import RetrievalModel
    from fgsbir.models.store import load_model, read_config

    device, precision = torch.device("cpu"), params.precision
    store = ShardStore(recipes.folder(steps["shard"]) / "data/shards")
    test = evaluation_set(store)
    sizes = PhotoSizes(store, test.photos, params.runtime.photo_cache_gib)
    for folder in asked.folders:
        searches = {}
        for name, place in (("supervised", "retrieval"), ("joint", "joint/retrieval")):
            made = read_config(folder / place)["details"]
            searches[name] = Search(
                load_model(folder / place, RetrievalModel),
                sizes.at(made["image_size"]),
                test,
                line_width=made["line_width"],
                device=device,
                precision=precision,
            )
        found = compare(
            {name: search.ranks for name, search in searches.items()},
            np.array(test.query_photo_ids),
            resamples=params.evaluate.bootstrap,
            seed=params.seed,
        )
        drawn = {}
        for name, place in (("before_joint", "generator"), ("after_joint", "joint/generator")):
            pixels = sizes.at(read_config(folder / place)["details"]["image_size"])
            ranks = [
                searches["supervised"].ranks_of_drawings(
                    draw_sketches(
                        load_model(folder / place, Generator),
                        pixels,
                        temperature=params.pseudo.temperature,
                        seed=seed,
                        batch=256,
                        device=device,
                        precision=precision,
                    ).strokes
                )
                for seed in range(asked.drawings)
            ]
            drawn[name] = {f"acc@{k}": acc_at(np.concatenate(ranks), k) for k in (1, 10)}
        print(f"\n{folder}: {len(test.sketches)} sketches of {len(test.photos)} development photos\n")
        print("\n".join(table(found, list(found))))
        print(f"\nPhotos found by the supervised F from a drawing by G, {asked.drawings} drawings of each\n")
        print("\n".join(table(drawn, list(drawn))))


if __name__ == "__main__":
    run(main)
