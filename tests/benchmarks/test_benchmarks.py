"""That the benchmarks run and say what they found; what they find is for an idle machine to say."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from benchmarks import gpu, gpu_parts, scale, trunks
from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.run import RATIOS, cells, main
from fgsbir.runtime.compute import Compute
from pipeline.params import load
from tests.pipeline.conftest import TINY, lay_over

ROOT = Path(__file__).resolve().parents[2]
SMALLER: dict[str, dict[str, Any]] = {
    "runtime": {"accelerator": "cpu", "threads": 1},
    "pretrain_generator": {"attention_width": 8, "latent": 4, "hidden": 16, "mixtures": 2, "max_points": 24},
}


def test_every_ratio_is_measured(toy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    for section, changes in SMALLER.items():
        values[section] |= changes
    params, out = tmp_path / "params.yaml", tmp_path / "results.md"
    params.write_text(yaml.safe_dump(values))
    monkeypatch.setattr("benchmarks.ranking.QUERIES", 200)
    monkeypatch.setattr("benchmarks.search.MANY", 1000)
    monkeypatch.setattr("benchmarks.scale.PHOTOS", 10)
    monkeypatch.setattr("benchmarks.page.DRAWINGS", 1)
    monkeypatch.setattr("benchmarks.page.FILES", 3)
    monkeypatch.setattr("benchmarks.page.SIDE", 300)
    monkeypatch.setattr("benchmarks.page.BETWEEN_STROKES", 0.0)
    main(["--rounds", "1", "--params", str(params), "--shards", str(toy_folder / "shards"), "--out", str(out)])
    lines = [line for line in out.read_text().splitlines() if re.search(r"\| (yes|no) \|$", line)]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == [ratio.name for ratio in RATIOS]
    assert all(re.search(r"\*\*\d+\.\d\d\*\*", line) for line in lines)


@pytest.mark.slow
def test_every_part_is_measured_once_over_ever_more_photos(
    toy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("faiss")
    out = tmp_path / "scale.json"
    options = ["--shards", str(toy_folder / "shards"), "--work", str(tmp_path / "work"), "--out", str(out)]
    options += ["--page", str(tmp_path / "scale.md")]
    scale.main(["--photos", "400", "--only", "listing", "leaks", *options])
    before = json.loads(out.read_text())
    scale.main(["--photos", "400", *options])
    rows = json.loads(out.read_text())
    assert [(row["what"], row["n"]) for row in rows] == [(what, 400) for what in scale.PARTS]
    assert all(row in rows for row in before)  # not measured again
    assert all(row["seconds"] > 0 and row["peak_mib"] > 50 for row in rows)
    assert "64 machines" in (tmp_path / "scale.md").read_text()
    assert all(row["recall"] >= 0.95 for row in rows if row["what"] == "search approximate")


def test_a_ratio_is_a_speed_or_a_cost_and_its_median_is_told() -> None:
    speed, cost = (Ratio("us / them", 0.9, lambda _: lambda: Measured(1, 1), speed=speed) for speed in (True, False))
    twice = Measured(2.0, 1.0)
    assert (speed.of(twice), cost.of(twice)) == (0.5, 2.0)
    assert speed.holds(0.9) and not speed.holds(0.5)
    assert cost.holds(0.9) and not cost.holds(2.0)
    line = cells(speed, [Measured(1.0, 1.0), Measured(1.0, 0.1), Measured(1.0, 0.95)])
    assert line[1:] == ["**0.95**", "0.10 to 1.00", "1 / 0.95", "≥ 0.90", "yes"]


def test_both_sides_are_timed_in_turn() -> None:
    calls: list[str] = []
    measured = alternate(lambda: calls.append("us"), lambda: calls.append("them"), times=2)
    assert calls == ["us", "them", "them", "us"] and min(measured) > 0


def test_the_run_of_a_gpu_is_as_large_as_chairv2() -> None:
    params = gpu.as_large_as_chairs(load(ROOT / "params.yaml"))
    assert (params.synthesise.labelled, params.synthesise.test, params.synthesise.unseen_categories) == (272, 100, 0)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ValueError, match="other_photos"):
        patch.setitem(gpu.CHAIRS, "other_photos", 8)
        gpu.as_large_as_chairs(load(ROOT / "params.yaml"))


@pytest.mark.slow
def test_what_a_gpu_does_is_measured_on_a_cpu_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part on the tiny set; what is known is not measured again, and a part that fails hides no other."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    lay_over(values, yaml.safe_load(TINY.read_text()))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    sizes = {"seconds": 0.01, "photos": 9, "batch": 2, "tuned_batch": 2, "tuned_sizes": (64,)}
    bench = gpu_parts.Bench(load(tmp_path / "params.yaml"), Compute(torch.device("cpu")), tmp_path, **sizes)
    monkeypatch.setattr(torch, "compile", lambda call: call)
    monkeypatch.setitem(gpu.PARTS, "tuned", (lambda bench: 1 / 0, 0))
    assert not any(gpu.measure(bench, gpu.PARTS, -1).values())
    lines = gpu.measure(bench, gpu.PARTS, 480)
    assert [part for part, measured in lines.items() if not measured] == ["tuned"]
    assert all(value > 0 for measured in lines.values() for _, value, _ in measured)
    stages = {what.split(": ")[1] for what, _, unit in lines["run"] if unit == "s"}
    assert stages == set(gpu_parts.STAGES)
    monkeypatch.undo()
    monkeypatch.setattr(torch, "compile", None)
    again = gpu.measure(bench, gpu.PARTS, 480)
    assert again.pop("tuned") and again == {part: measured for part, measured in lines.items() if part != "tuned"}
    assert "| tuned | | not measured | |" in gpu.table(lines)


@pytest.mark.slow
@pytest.mark.skipif("FGSBIR_REAL_DATA" not in os.environ, reason="FGSBIR_REAL_DATA names no folder of ChairV2")
def test_settings_of_the_trunk_are_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = {"trunk": "tf_efficientnet_lite0", "image_size": 64, "taps": (2, 3), "map_block": 2}
    changes = {"small": small, "again": small, "one place": {**small, "places": 1}}
    monkeypatch.setattr("benchmarks.trunks.CHANGES", changes)
    trunks.main([os.environ["FGSBIR_REAL_DATA"]])
    first, again, one_place = capsys.readouterr().out.splitlines()[-3:]
    start, trained = map(float, re.findall(r"[\d.]+", first))
    assert 100 / 60 < start < trained  # of 60 photos
    assert again == f"| again | {start} (+0.0 [0.0, 0.0]) | {trained} (+0.0 [0.0, 0.0]) |"
    assert re.search(r"\| [\d.]+ \(-[\d.]+ \[-[\d.]+, -[\d.]+\]\) \|$", one_place)
