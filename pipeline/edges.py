"""Stage edges: the contours in every photo that G draws, without any person. Run by ``dvc repro``."""

from pathlib import Path

from pipeline.params import load
from pipeline.stage import run, scratch_folder


def main() -> None:
    params = load()
    settings = params.edges

    from fgsbir.data.edges import write_edges
    from fgsbir.data.shards import ShardStore
    from fgsbir.runtime.compute import launch

    write_edges(
        ShardStore(Path("data/shards"), params.runtime.shards_from),
        tolerance=settings.tolerance,
        workers=params.runtime.workers,
        processes=launch(params.runtime, "float32"),
        scratch=scratch_folder("edges"),
        out=Path("data/edges"),
    )


if __name__ == "__main__":
    run(main)
