"""Stage sketch_classifier: a network that names sketches, to judge generated ones by. Run by ``dvc repro``."""

from pathlib import Path
from typing import Any

from pipeline.params import load
from pipeline.stage import run, save_trained, scratch_folder

# Whatever the run's seed: the FIDs of several seeds are distances in the features of one and the same network.
SEED = 0


def main() -> None:
    params = load()
    settings = params.sketch_classifier

    from fgsbir.data.shards import ShardStore
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.compute import launch
    from fgsbir.runtime.streams import seed_weights
    from fgsbir.runtime.training_data import training_data
    from fgsbir.sketch_classifier.classes import sketch_classes
    from fgsbir.sketch_classifier.model import SketchClassifier
    from fgsbir.sketch_classifier.training import train_sketch_classifier

    compute = launch(params.runtime, params.precision)
    store = ShardStore(Path("data/shards"), params.runtime.shards_from)
    data = sketch_classes(store, params.labelled_frac)

    seed_weights(SEED, "sketch_classifier")
    model = SketchClassifier(image_size=settings.image_size, classes=len(data.names))
    compute.place(model)
    scratch = Scratch(scratch_folder("sketch_classifier"))
    curve = train_sketch_classifier(
        compute,
        model,
        data,
        **settings.model_dump(exclude={"image_size"}),
        seed=SEED,
        log_interval=params.runtime.log_interval,
        scratch=scratch,
    )

    if compute.is_main:
        details: dict[str, Any] = {"line_width": settings.line_width, "classes": data.names, "classes_are": data.kind}
        details |= training_data(store.index, params.labelled_frac, SEED, data.photos)
        details["data"] |= {"category": None}  # it learns from all of them
        save_trained(Path("models/sketch_classifier"), model, curve, details, scratch)


if __name__ == "__main__":
    run(main)
