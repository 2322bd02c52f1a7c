"""What a model folder says of the data that its model was trained on: nothing that changes while that does not."""

from typing import Any

from fgsbir.data.index import Index


def training_data(index: Index, labelled_frac: float, seed: int, labelled_photos: int) -> dict[str, Any]:
    """The data set, its split, the share of labels, and the seed."""
    data = {name: getattr(index, name) for name in ("name", "layout", "category", "split_hash")}
    return {"data": data | {"labelled_frac": labelled_frac, "labelled_photos": labelled_photos}, "seed": seed}
