"""Comparing two runs query by query."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.records import DataError
from fgsbir.evaluation.comparison import rank_table
from pipeline import compare

QUERIES = [f"q{number}" for number in range(12)]
PHOTOS = [f"p{number // 3}" for number in range(12)]


def ranks(joint: list[int], queries: list[str] = QUERIES) -> str:
    supervised = np.full(len(joint), 9)
    return rank_table(queries, PHOTOS[: len(queries)], {"supervised": supervised, "joint": np.array(joint)})


def test_the_joint_models_are_compared_on_the_same_queries(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second finds three more of twelve first; the order of the rows says nothing."""
    first, second = [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2], [1] * 9 + [2] * 3
    other_way = rank_table(QUERIES[::-1], PHOTOS[::-1], {"supervised": np.full(12, 9), "joint": np.array(second[::-1])})
    monkeypatch.setattr(compare, "_text", {"control": ranks(first), None: other_way}.get)
    compare.main(["control"])
    said = capsys.readouterr().out
    assert said.startswith("joint, 12 queries")
    found = {line.split("  ")[1].strip(): line for line in said.splitlines()[3:]}
    assert found.keys() == {"control", "workspace", "workspace minus control"}
    assert "  50 [" in found["control"] and "  75 [" in found["workspace"]
    # One photo of four changes, with all its queries: the interval of the gain of 25 reaches from 0 to 75.
    assert "  25 [0, 75]" in found["workspace minus control"]


def test_runs_on_other_queries_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {"a": ranks([1] * 12), "b": ranks([1] * 11, QUERIES[:11])}
    monkeypatch.setattr(compare, "_text", tables.get)
    with pytest.raises(DataError, match="a and b were not measured on the same queries: 1 stand in one of them alone"):
        compare.main(["a", "b"])


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
    for key, value in (("user.name", "Tester"), ("user.email", "tester@localhost")):
        command("git", "config", key, value)
    assert command(sys.executable, "-m", "dvc", "init", "-q").returncode == 0
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "ranks.csv").write_text(ranks([2] * 12))
    command("git", "add", "-A")
    command("git", "commit", "-q", "-m", "First run")
    (tmp_path / "metrics" / "ranks.csv").write_text(ranks([1] * 12))

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        root = Path(__file__).resolve().parents[2]
        program = f"import sys; sys.path.insert(0, {str(root)!r}); from pipeline.compare import main, run; run(main)"
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
