"""Comparing two runs query by query."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.records import DataError
from fgsbir.evaluation.comparison import rank_table
from pipeline import compare
from tests.pipeline.conftest import ROOT


def ranks(joint: list[int], step: int = 1) -> str:
    """A table of so many queries, three a photo; with a ``step`` of -1 from the last to the first."""
    numbers = range(len(joint))[::step]
    found = {"supervised": np.full(len(joint), 9), "joint": np.array(joint)[::step]}
    return rank_table([f"q{number}" for number in numbers], [f"p{number // 3}" for number in numbers], found)


def test_the_joint_models_are_compared_on_the_same_queries(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second finds three more of twelve first; the order of the rows says nothing."""
    first, second = [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2], [1] * 9 + [2] * 3
    tables = {"control": ranks(first), None: ranks(second, -1), "less": ranks([1] * 11)}
    monkeypatch.setattr(compare, "_text", tables.get)
    compare.main(["control"])
    said = capsys.readouterr().out
    assert said.startswith("joint, 12 queries")
    found = {line.split("  ")[1].strip(): line for line in said.splitlines()[3:]}
    assert found.keys() == {"control", "workspace", "workspace minus control"}
    assert "  50 [" in found["control"] and "  75 [" in found["workspace"]
    # One photo of four changes, with all its queries: the interval of the gain of 25 reaches from 0 to 75.
    assert "  25 [0, 75]" in found["workspace minus control"]
    with pytest.raises(DataError, match="control and less were not measured on the same queries: 1 stand in one"):
        compare.main(["control", "less"])


@pytest.mark.parametrize(
    "text", ["", "query,photo,rank\nq,p,1\n", "query,photo,joint\nq,p,first\n", "query,photo,joint\nq\n"]
)
def test_what_is_no_table_of_ranks_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(compare, "_text", lambda revision: text)
    with pytest.raises(DataError, match=r"ranks\.csv of main: not a table"):
        compare.ranks_of("main")


def test_revisions_are_read_from_git(tmp_path: Path) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    def compared(*words: str) -> subprocess.CompletedProcess[str]:
        program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pipeline.compare import main, run; run(main)"
        return command(sys.executable, "-c", program, *words)

    table = tmp_path / "metrics" / "ranks.csv"
    table.parent.mkdir()
    table.write_text(ranks([2] * 12))
    command("git", "init", "-q", "-b", "main")
    assert command(sys.executable, "-m", "dvc", "init", "-q").returncode == 0
    command("git", "add", "-A")
    command("git", "-c", "user.name=Tester", "-c", "user.email=tester@localhost", "commit", "-q", "-m", "First run")
    table.write_text(ranks([1] * 12))
    assert "workspace minus main  100 [100, 100]" in compared("main").stdout
    for words, message in (
        (("nonsense",), "nonsense: expected a commit, branch or experiment that holds metrics/ranks.csv"),
        (("main", "main"), "main is compared with itself"),
    ):
        failed = compared(*words)
        assert failed.returncode == 1 and message in failed.stderr and "Traceback" not in failed.stderr
    table.unlink()
    assert "run `dvc repro` first" in compared("main").stderr
