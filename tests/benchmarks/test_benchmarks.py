"""That the benchmarks run and say what they found; what they find is for an idle machine to say."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.run import RATIOS, Line, main

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
    monkeypatch.setattr("benchmarks.features.PHOTOS", 10)
    monkeypatch.setattr("benchmarks.page.DRAWINGS", 1)
    monkeypatch.setattr("benchmarks.page.BETWEEN_STROKES", 0.0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    main(["--rounds", "1", "--params", str(params), "--shards", str(toy_folder / "shards"), "--out", str(out)])
    lines = [line for line in out.read_text().splitlines() if re.match(r"\| .* \| (cpu|cuda) \|", line)]
    on_cpu = [line for line in lines if "| cpu |" in line]
    assert [line.split(" | ")[0].removeprefix("| ") for line in on_cpu] == [ratio.name for ratio in RATIOS]
    assert all(re.search(r"\*\*\d+\.\d\d\*\*.*\| (yes|no) \|$", line) for line in on_cpu)
    on_cuda = [line for line in lines if "| cuda |" in line]
    assert len(on_cuda) == sum(ratio.on_cuda for ratio in RATIOS)
    assert all("not measured" in line for line in on_cuda)


def test_a_ratio_is_a_speed_or_a_cost() -> None:
    def never(_: object) -> Any:
        raise AssertionError

    speed, cost = Ratio("speed", 0.9, never), Ratio("cost", 1.2, never, speed=False)
    twice = Measured(2.0, 1.0)
    assert (speed.of(twice), cost.of(twice)) == (0.5, 2.0)
    assert not speed.holds(0.5)
    assert speed.holds(0.9)
    assert not cost.holds(2.0)
    assert cost.holds(1.2)


def test_the_table_gives_the_median_of_the_rounds() -> None:
    ratio = Ratio("of us / to them", 0.9, lambda _: lambda: Measured(1, 1))
    cells = Line(ratio, "cpu", [Measured(1.0, 1.0), Measured(1.0, 0.1), Measured(1.0, 0.95)]).cells()
    assert cells[2:] == ["**0.95**", "0.10 to 1.00", "1 / 0.95", "≥ 0.90", "yes"]


def test_both_sides_are_timed_in_turn() -> None:
    calls: list[str] = []
    measured = alternate(
        lambda: calls.append("ours"), lambda: calls.append("floor"), device=torch.device("cpu"), times=2
    )
    assert calls == ["ours", "floor", "floor", "ours"]
    assert min(measured) > 0
