"""Write the sketches that people would draw of the default set's unlabelled photos: python -m pipeline.true_sketches.

They show what perfect pseudo sketches are worth. Prints the params that make joint training use them.
"""

import hashlib
import json
from pathlib import Path

from pipeline.params import load
from pipeline.stage import run

OUT = Path("data/true_sketches.ndjson")


def main() -> None:
    params = load()

    from fgsbir.data.atomic import write_bytes
    from fgsbir.data.index import read_index
    from fgsbir.data.selection import training_split
    from fgsbir.data.strokes import split_strokes
    from fgsbir.synthetic.truth import true_sketches

    index = read_index(Path("data/shards"))
    photos = [entry.id for entry in training_split(index, params.labelled_frac).unlabelled]
    lines = [
        json.dumps({"photo": name, "strokes": [part.round(2).tolist() for part in split_strokes(strokes)]})
        for name, sketches in zip(photos, true_sketches(index, photos, seed=params.synthesise.seed), strict=True)
        for strokes in sketches
    ]
    data = "".join(f"{line}\n" for line in lines).encode()
    write_bytes(OUT, data)
    print(f"-S pseudo.sketches=file -S pseudo.file={OUT} -S pseudo.file_sha256={hashlib.sha256(data).hexdigest()}")
    print("-S pseudo.edges=0 -S joint.joint_training=false")


if __name__ == "__main__":
    run(main)
