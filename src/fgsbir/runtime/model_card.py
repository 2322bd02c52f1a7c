"""The README.md of a model folder: what the model is, what it learned from and how to use it, as model hubs read it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml


class About(NamedTuple):
    """What a kind of model is, the metric that it is judged by, and the command that takes it."""

    title: str
    does: str
    tags: tuple[str, ...]
    metric: str
    command: str = ""


KINDS = {
    "retrieval": About(
        "F, a retrieval model",
        "Embeds photos and sketches in one space. The photo nearest to a sketch is the photo that the sketch shows.",
        ("image-retrieval", "metric-learning"),
        "accuracy",
        "fgsbir index my/photos --model THIS_FOLDER --out my/index",
    ),
    "adaptive": About(
        "F that adapts",
        "A retrieval model that adapts to a new category or a new user from a few sketches, or pairs.",
        ("image-retrieval", "meta-learning", "few-shot-learning"),
        "accuracy",
        "fgsbir adapt --model THIS_FOLDER --support my/sketches --out my/model",
    ),
    "generator": About(
        "G, a generator of sketches",
        "Draws a photo point by point, as strokes.",
        ("sketch-generation", "image-to-vector"),
        "fid",
        "fgsbir draw my/photo.jpg --model THIS_FOLDER --svg sketch.svg",
    ),
    "contour_generator": About(
        "G, a generator of sketches",
        "Draws a photo by choosing among the contours in it, as strokes.",
        ("sketch-generation", "image-to-vector"),
        "fid",
        "fgsbir draw my/photo.jpg --model THIS_FOLDER --svg sketch.svg",
    ),
    "discriminator": About(
        "D_C, a discriminator of pairs",
        "Says how certain it is that a sketch and a photo belong together, from 0 to 1.",
        ("image-matching",),
        "accuracy",
    ),
    "sketch_classifier": About(
        "A classifier of sketches",
        "Tells the category of a sketch. The evaluation computes the FID of generated sketches in its features.",
        ("image-classification",),
        "accuracy",
    ),
}

TEMPLATE = """---
{front}---

# {title}

{does}

{origin}
{use}
The weights are Apache-2.0. The pictures that it was trained on may have terms of their own.
"""


def model_card(kind: str, details: Mapping[str, Any], base_model: str | None) -> str:
    """The card of a model of ``kind``: YAML front matter, then Markdown. It says nothing that its folder does not.

    ``details`` are those of the folder's ``config.json``. ``base_model`` is the name that the Hugging Face Hub
    gives the model's trunk, or None if it has none there.
    """
    about, data = KINDS[kind], details.get("data")
    front = {
        "license": "apache-2.0",
        "library_name": "fgsbir",
        "tags": ["sketch-based-image-retrieval", *about.tags],
        **({"datasets": [data["name"]]} if data else {}),
        "metrics": [about.metric],
        **({"base_model": base_model} if base_model else {}),
    }
    origin = [_trained_on(data, details)] if data else []
    if "adapted" in details:
        to = "photos alone" if details["adapted"].get("sketches") == 0 else "a few sketches"
        origin.append(f"Then adapted to {to} by `fgsbir adapt` or on the page.\n")
    return TEMPLATE.format(
        front=yaml.safe_dump(front, sort_keys=False, allow_unicode=True),
        title=about.title,
        does=about.does,
        origin="\n".join(origin),
        use=f"```\n{about.command}\n```\n" if about.command else "",
    )


def _trained_on(data: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    category = f", category `{data['category']}`" if data["category"] else ""
    unlabelled = details.get("unlabelled_photos")
    without = f" and {unlabelled:,} without" if unlabelled else ""
    return (
        f"Trained on the set `{data['name']}` (layout `{data['layout']}`{category}): "
        f"{data['labelled_photos']:,} photos with sketches{without}, seed {details['seed']}.\n"
    )
