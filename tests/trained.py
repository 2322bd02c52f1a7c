"""Folders of small models, as training leaves them: what search, commands and the page are tested with."""

from pathlib import Path

import torch

from fgsbir.adaptation.model import AdaptiveModel, statistics_alone
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.runtime.model_folder import save_model
from tests.toy import SPEC, Toy, toy_generator


def save_retrieval(folder: Path, toy: Toy, seed: int = 0) -> Path:
    """An F of the toy set; another ``seed`` is another model."""
    save_model(folder, toy.retrieval(seed), details={})
    return folder


def save_joint(folder: Path, toy: Toy) -> Path:
    """F, G and D_C, as models/joint holds them."""
    retrieval = toy.retrieval()
    save_model(folder / "retrieval", retrieval, details={})
    torch.manual_seed(0)
    generator = toy_generator()
    with torch.no_grad():
        generator.output_layer.bias[-1] -= 3  # so that it draws more than a dot
    save_model(folder / "generator", generator, details={})
    channels = retrieval.config()["channels"]
    discriminator = Discriminator(spec=SPEC.as_json(), channels=channels, reads="features", width=8)
    save_model(folder / "discriminator", discriminator, details={})
    return folder


def save_adaptive(folder: Path, toy: Toy, seed: int = 0) -> Path:
    """A model that adapts F's statistics to a few sketches."""
    save_model(folder, statistics_alone(toy.retrieval(seed)), details={"negatives": "pool"})
    return folder


def save_meta_trained(folder: Path, toy: Toy) -> Path:
    """A model whose head M takes a step as well, by statistics and by pairs."""
    retrieval = toy.retrieval()
    torch.manual_seed(0)
    form = {"scope": "head", "steps": 1, "first_order": False, "rate": 0.5, "margin_width": 8, "statistics": True}
    model = AdaptiveModel(retrieval=retrieval.config(), embedding_dim=8, **form)
    model.retrieval.load_state_dict(retrieval.state_dict())
    save_model(folder, model, details={"negatives": "pool"})
    return folder
