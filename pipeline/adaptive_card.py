"""Stage adaptive_card: what the adaptive models are and are not good for. Run by ``dvc repro``.

A stage of its own, since adaptation is none of what ``dvc repro evaluate`` or the other cards need.
"""

import json
from pathlib import Path

from pipeline.stage import run

ADAPTIVE, SCORES, CARD = Path("models/adaptive"), Path("metrics/adapt.json"), Path("models/adaptive.md")


def main() -> None:
    from fgsbir.data.atomic import write_text
    from fgsbir.evaluation.adaptive_card import adaptive_card
    from fgsbir.models.store import CONFIG, read_config

    folders = sorted(path.parent for path in ADAPTIVE.glob(f"*/*/{CONFIG}"))
    configs = {folder.relative_to(ADAPTIVE).as_posix(): read_config(folder) for folder in folders}
    write_text(CARD, adaptive_card(configs, json.loads(SCORES.read_text())))


if __name__ == "__main__":
    run(main)
