"""Draw photos for a demonstration, of all the default set's categories: python -m pipeline.demo_photos FOLDER."""

import argparse
from pathlib import Path

from fgsbir.data.atomic import write_bytes
from fgsbir.data.cores import available_cores, sharing_processes
from fgsbir.synthetic.categories import CATEGORIES, MAIN
from fgsbir.synthetic.photo import draw_photo

# The first photos of each category are of the default set's test split: the ready model has not seen them.
OF_MAIN, OF_OTHERS = 48, 7


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline.demo_photos", description=__doc__.partition(":")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write them; photos there are kept")
    folder = parser.parse_args().folder
    names = [
        f"{category}-{number:05d}"
        for category in CATEGORIES
        for number in range(OF_MAIN if category == MAIN else OF_OTHERS)
    ]
    missing = [path for path in (folder / f"{name}.jpg" for name in names) if not path.exists()]
    with sharing_processes(available_cores()) as pool:
        list(pool.map(draw, missing, chunksize=8))
    print(f"{folder}: {len(names)} photos, {len(missing)} of them drawn now")


def draw(path: Path) -> None:
    """Draw the photo that ``path`` names, as the default set has it."""
    write_bytes(path, draw_photo(path.stem, seed=0))


if __name__ == "__main__":
    main()
