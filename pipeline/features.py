"""Stage features: every photo and sketch through the trunk, once. Run by ``dvc repro``."""

from pathlib import Path

from pipeline.params import load
from pipeline.stage import run, scratch_folder


def main() -> None:
    params = load()
    settings = params.features

    from fgsbir.data.shards import ShardStore
    from fgsbir.features.extraction import Reader, write_features
    from fgsbir.features.spec import FeatureSpec
    from fgsbir.features.store import layout_of
    from fgsbir.features.trunk import build_trunk, depth_of
    from fgsbir.runtime.compute import launch

    compute = launch(params.runtime, params.precision)
    store = ShardStore(Path("data/shards"), params.runtime.shards_from)
    spec = FeatureSpec(**settings.of(FeatureSpec))
    trunk = build_trunk(spec.trunk, depth_of(spec), settings.weights, spec.weights_sha256)
    write_features(
        Reader(trunk, spec, compute),
        store,
        layout_of(trunk, spec, variants=settings.variants, sketch_maps=settings.sketch_maps),
        strength=settings.strength,
        scratch=scratch_folder("features"),
        out=Path("data/features"),
    )


if __name__ == "__main__":
    run(main)
