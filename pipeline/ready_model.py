"""Make the ready model, which the package ships: python -m pipeline.ready_model, after dvc repro features.

Writes ``src/fgsbir/ready/model`` from data/shards and data/features. It is no stage: the model is in git, and made
again only when the default set, the features or the recipe change.
"""

from pipeline.params import load
from pipeline.stage import open_data, run


def main() -> None:
    params = load()

    from fgsbir.data.selection import labelled_in_every_category
    from fgsbir.ready import READY_MODEL
    from fgsbir.ready.recipe import ReadyRecipe, make_ready_model
    from fgsbir.runtime.model_folder import save_model
    from fgsbir.runtime.training_data import training_data

    # float32, so that the shipped model does not depend on the processor.
    compute, pictures = open_data(params.runtime, "float32", "data/shards", "data/features")
    index = pictures.shards.index
    recipe = ReadyRecipe()
    model = make_ready_model(pictures, compute, recipe)
    labelled = len(labelled_in_every_category(index, 1.0))
    details = {"recipe": recipe.as_json(), **training_data(index, 1.0, recipe.seed, labelled)}
    details["data"] |= {"category": None}
    save_model(READY_MODEL, model, details=details, compact=True)


if __name__ == "__main__":
    run(main)
