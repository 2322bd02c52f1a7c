"""The ready model: an F that comes with the package, made from drawn photos and sketches alone."""

from pathlib import Path

# config.json and model.safetensors, as any model folder; `python -m pipeline.ready_model` makes it.
READY_MODEL = Path(__file__).resolve().parent / "model"
