"""Stage evaluate_adaptation: what adaptation finds, in numbers and pictures. Run by ``dvc repro``."""

import json
from pathlib import Path

from pipeline.params import load
from pipeline.stage import run

MODELS, METRICS = Path("models/adaptive"), Path("metrics")


def main() -> None:
    params = load()
    settings = params.evaluate_adaptation

    from fgsbir.adaptation.task_ranks import found_of
    from fgsbir.data.atomic import write_folder, write_json
    from fgsbir.evaluation.adaptation import adaptation_scores
    from fgsbir.evaluation.adaptation_charts import adaptation_charts

    found = {kind: found_of(lists) for kind, lists in json.loads((MODELS / "ranks.json").read_text()).items()}
    over_steps = {
        kind: dict(sorted((int(steps), value) for steps, value in values.items()))
        for kind, values in json.loads((MODELS / "steps.json").read_text()).items()
    }
    scores = {
        kind: adaptation_scores([of_kind], resamples=settings.bootstrap, seed=params.seed)
        for kind, of_kind in found.items()
    }
    with write_folder(METRICS / "adapt") as folder:
        adaptation_charts(folder, found, scores, over_steps)
    write_json(METRICS / "adapt.json", scores)


if __name__ == "__main__":
    run(main)
