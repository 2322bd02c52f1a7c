"""Draw the default data set: python -m pipeline.synthesise.

Writes ``data/raw/synthetic`` (photos, sketches, manifest) and ``metrics/synthetic.png`` (a contact
sheet of it).
"""

import logging
from pathlib import Path

from pipeline.params import load
from pipeline.stage import run

logger = logging.getLogger(__name__)

FOLDER = Path("data/raw/synthetic")
SHEET = Path("metrics/synthetic.png")


def main() -> None:
    params = load()
    from fgsbir.synthetic.dataset import synthesise
    from fgsbir.synthetic.sheet import contact_sheet

    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    content = synthesise(FOLDER, **params.synthesise.model_dump(), workers=params.runtime.workers)
    contact_sheet(FOLDER, SHEET)
    logger.info("drew the data set, content hash %s", content)


if __name__ == "__main__":
    run(main)
