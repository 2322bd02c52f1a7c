"""Stage synthesise: the default data set, drawn by program, and a contact sheet of it. Run by ``dvc repro``."""

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
