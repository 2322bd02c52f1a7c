"""Make the ready model, which the package ships: python -m pipeline.ready_model, after dvc repro features.

Writes ``src/fgsbir/ready/model`` from data/shards and data/features, and what its photos' edges look like. It is no
stage: the model is in git, and made again only when the default set, the features or the recipe change.
"""

from pipeline.params import load
from pipeline.stage import open_data, run


def main() -> None:
    params = load()

    import torch
    from safetensors.torch import save_file

    from fgsbir.adaptation.edge_side import READY_EDGES, pooled_edges, some_of
    from fgsbir.data.selection import labelled_in_every_category
    from fgsbir.ready import READY_MODEL
    from fgsbir.ready.recipe import ReadyRecipe, learned_photos, make_ready_model
    from fgsbir.retrieval.encoder import Encoder
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.runtime.model_folder import load_model, read_config, save_model
    from fgsbir.runtime.training_data import training_data

    # float32, so that the shipped model does not depend on the processor.
    compute, pictures = open_data(params.runtime, "float32", "data/shards", "data/features")
    index = pictures.shards.index
    recipe = ReadyRecipe()
    model = make_ready_model(pictures, compute, recipe)
    learned = labelled_in_every_category(index, 1.0)
    photos = len(learned_photos(index))
    details = {"recipe": recipe.as_json(), **training_data(index, 1.0, recipe.seed, photos)}
    details["data"] |= {"category": None}
    save_model(READY_MODEL, model, details=details, compact=True)

    encoder, shards = Encoder(load_model(READY_MODEL, RetrievalModel), compute), pictures.shards
    by_category = {name: [photo for photo in learned if photo.category == name] for name in index.categories}
    means = [
        pooled_edges(encoder, list(map(shards.read_photo, some_of(photos)))).mean(0)
        for photos in by_category.values()
        if photos
    ]
    made = {"model": read_config(READY_MODEL)["sha256"]}
    save_file({"mean": torch.stack(means).mean(0).cpu()}, READY_EDGES, metadata=made)


if __name__ == "__main__":
    run(main)
