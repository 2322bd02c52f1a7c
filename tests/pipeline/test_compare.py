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

QUERIES = [f"q{number}" for number in range(12)]
PHOTOS = [f"p{number // 3}" for number in range(12)]


def ranks(joint: list[int], step: int = 1) -> str:
    """A table of the first queries, or, with a ``step`` of -1, of all from the last to the first."""
    queries, photos = QUERIES[: len(joint)][::step], PHOTOS[: len(joint)][::step]
    return rank_table(queries, photos, {"supervised": np.full(len(joint), 9), "joint": np.array(joint[::step])})


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
def test_a_table_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(compare, "_text", lambda revision: text)
    with pytest.raises(DataError, match=r"ranks\.csv of main: not a table"):
        compare.ranks_of("main")


def test_revisions_are_read_from_git(tmp_path: Path) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    command("git", "init", "-q", "-b", "main")
    assert command(sys.executable, "-m", "dvc", "init", "-q").returncode == 0
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "ranks.csv").write_text(ranks([2] * 12))
    command("git", "add", "-A")
    command("git", "-c", "user.name=Tester", "-c", "user.email=tester@localhost", "commit", "-q", "-m", "First run")
    (tmp_path / "metrics" / "ranks.csv").write_text(ranks([1] * 12))

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pipeline.compare import main, run; run(main)"
        return command(sys.executable, "-c", program, *words)

    done = said("main")
    assert done.returncode == 0, done.stderr
    assert "workspace minus main  100 [100, 100]" in done.stdout
    for words, told in (
        (("nonsense",), "nonsense: expected a commit, branch or experiment that holds metrics/ranks.csv"),
        (("main", "main"), "main is compared with itself"),
    ):
        failed = said(*words)
        assert failed.returncode == 1 and told in failed.stderr and "Traceback" not in failed.stderr
    (tmp_path / "metrics" / "ranks.csv").unlink()
    assert "run `dvc repro` first" in said("main").stderr
