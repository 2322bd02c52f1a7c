"""The README against the project: what it tells a stranger to type exists, and does what it says."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from dvc.cli.parser import get_main_parser
from PIL import Image

from fgsbir.__main__ import main, parser
from fgsbir.models.retrieval import RetrievalModel
from fgsbir.models.store import save_model
from pipeline.sections import Dataset, Params
from tests.pages import README, RESULTS, ROOT, rows, section

STAGES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())

# What the page of results says in full is held to the same: commands, params, links.
PAGES = README + RESULTS
BLOCKS = re.findall(r"^ *```(\w*)\n(.*?)^ *```", PAGES, re.MULTILINE | re.DOTALL)
PLAIN = re.sub(r"^ *```.*?^ *```", "", PAGES, flags=re.MULTILINE | re.DOTALL)
SPANS = re.findall(r"`([^`\n]+)`", PLAIN)
CODE = [line.strip() for kind, block in BLOCKS if not kind for line in block.splitlines()] + SPANS


def anchors(page: str) -> set[str]:
    """What links to a page's titles end with."""
    titles = re.findall(r"^#+ (.*)", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def outputs(name: str) -> list[str]:
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in STAGES[name].get(kind, [])]
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def upstream(name: str) -> set[str]:
    """The stages whose outputs a stage reads."""
    inputs = [dependency.replace("${dataset.root}", VALUES["dataset"]["root"]) for dependency in STAGES[name]["deps"]]
    return {
        other
        for other in STAGES
        for made in outputs(other)
        for path in inputs
        if path == made or path.startswith(made + "/")
    }


def running_again(key: str) -> set[str]:
    """The stages that a changed param makes run again: those that track it, and all that read what they write."""
    found = {name for name, stage in STAGES.items() if {key, key.partition(".")[0]} & set(stage.get("params", []))}
    while more := {name for name in STAGES if upstream(name) & found} - found:
        found |= more
    return found


def test_the_sections_come_in_their_order() -> None:
    assert re.findall(r"^## (.*)", README, re.MULTILINE) == [
        "Quick start",
        "Results",
        "Draw, and find",
        "Your own data",
        "Change one thing",
        "Sweeps and GPUs",
        "Share",
        "Interrupted?",
        "Outputs",
        "Params",
        "The tree",
        "Troubleshooting",
        "Tests",
        "Protocol",
        "Citation",
        "Licence",
    ]


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for line in CODE for target in re.findall(r"\bmake ([a-z-]+)", line)}
    assert named >= {"repro", "test", "test-all", "install"}
    assert named <= targets


def test_every_changed_value_is_one_that_the_pipeline_takes() -> None:
    count = 0
    for line in CODE:
        # Those of one command together: some are only valid beside others.
        values = yaml.safe_load(yaml.safe_dump(VALUES))
        sweeps: list[tuple[dict[str, Any], str, str]] = []
        for quoted, bare in re.findall(r"-S (?:'([\w.]+=[^']+)'|([\w.]+=[^\s'`]+))", line):
            key, _, text = (quoted or bare).partition("=")
            *sections, last = key.split(".")
            place = values
            for name in sections:
                place = place[name]
            assert last in place, key
            first, *others = ["0"] if text.startswith("range(") else [text] if text.startswith("[") else text.split(",")
            place[last] = yaml.safe_load(first)
            sweeps += [(place, last, value) for value in others]
            count += 1
        Params.model_validate(values)
        for place, last, value in sweeps:
            place[last] = yaml.safe_load(value)
            Params.model_validate(values)
    assert count > 10


def test_every_param_that_is_named_exists() -> None:
    named = [match.groups() for span in SPANS if (match := re.fullmatch(r"(\w+)\.(\w+)(?:[=:].*)?", span))]
    params = [(name, key) for name, key in named if isinstance(VALUES.get(name), dict) and key != "npz"]
    assert len(params) > 15
    for name, key in params:
        assert key in VALUES[name], f"{name}.{key}"


def test_every_command_of_dvc_is_one() -> None:
    commands = [command for line in CODE for command in re.findall(r"(?<![\w./])dvc ([a-z][^&;#`]*)", line)]
    assert len(commands) > 20
    parser = get_main_parser()
    for command in commands:
        words = shlex.split(command.replace("…", "").split(" > ")[0])
        if words == ["remote", "modify", "--local"]:
            continue
        parser.parse_args(words)
        targets = [word for word in words[2:] if word in {"evaluate", "joint"}] if words[0] in {"exp", "commit"} else []
        assert set(targets) <= set(STAGES)


def test_the_graph_is_that_of_the_pipeline() -> None:
    (graph,) = (block for kind, block in BLOCKS if kind == "mermaid")
    drawn = set(re.findall(r"(\w+)(?:\[[^]]*\])? --> (\w+)", graph))
    assert drawn == {(before, name) for name in STAGES for before in upstream(name)}
    assert set(re.findall(r"(\w+)\[\"\1:", graph)) == set(STAGES)


def test_the_table_of_changes_is_right() -> None:
    table = [cells for cells in rows(section("Change one thing")) if len(cells) == 2 and "-S" not in cells[1]]
    changed: set[str] = set()
    for keys, stages in table:
        expected = set() if stages == "nothing" else set(stages.split(", "))
        for key in re.findall(r"`([\w.]+?)(?:\.…)?`", keys):
            assert running_again(key) == expected, key
            changed.add(key.partition(".")[0])
    assert changed == set(VALUES) - {"synthesise"}


def test_every_output_is_in_the_table_with_its_stage() -> None:
    told = {cells[0].strip("`"): cells[1] for cells in rows(section("Outputs"))}
    assert told == {path: name for name in STAGES for path in outputs(name)}


def test_every_layout_is_described() -> None:
    layouts = set(Dataset.model_fields["layout"].annotation.__args__)  # type: ignore[union-attr]
    assert {cells[0].strip("`") for cells in rows(section("Your own data"))} == layouts
    assert all(re.search(rf"^(.* )?{layout}\b", section("Your own data"), re.MULTILINE) for layout in layouts)


def test_every_path_exists() -> None:
    made = {path for name in STAGES for path in outputs(name)}
    (tree,) = (block for kind, block in BLOCKS if not kind and "requirements.lock" in block)
    folder = [""]
    for line in tree.splitlines():
        indent, names = re.match(r"( *)(\S+(?: \S+)*)", line).groups()  # type: ignore[union-attr]
        folder = folder[: len(indent) // 2 + 1]
        for name in names.split():
            assert (ROOT / (folder[-1] + name)).exists(), name
        folder.append(folder[-1] + names.split()[-1])
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", page.read_text()):
            target = page.parent / link if link else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target.read_text()), f"{page}: #{anchor}"
    for span in SPANS:
        if re.fullmatch(r"(metrics|models|data/(shards|pseudo))(/[\w.]+)+", span):
            assert any(span == path or span.startswith(path + "/") for path in made), span


def test_every_equation_has_its_name() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "src" / "fgsbir").rglob("*.py"))
    named = re.findall(r"`(\w+)` \((?:Eq\.|Algorithm)", README)
    assert len(named) == 9
    for name in named:
        assert re.search(rf"^(def|class) {name}\b", source, re.MULTILINE), name


def test_the_search_finds_a_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (snippet,) = (block for kind, block in BLOCKS if kind == "python")
    monkeypatch.chdir(tmp_path)
    Path("my/photos").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(f"my/photos/{name}.jpg")
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><path d="M 10 10 L 90 60 L 20 80"/></svg>'
    Path("my/drawing.svg").write_text(drawing)
    torch.manual_seed(0)
    model = RetrievalModel(backbone="small", embedding_dim=8, attention=True, image_size=32)
    save_model(Path("models/joint/retrieval"), model, details={"line_width": 3.0})
    (command,) = (line for line in CODE if line.startswith("fgsbir index") and "models/joint" in line)
    main(shlex.split(command)[1:])
    capsys.readouterr()
    exec(compile(snippet, "README.md", "exec"), {})
    found = [str(Path(line).relative_to(tmp_path)) for line in capsys.readouterr().out.split()]
    assert sorted(found) == [f"my/photos/{name}.jpg" for name in "abc"]


def test_every_command_of_fgsbir_is_one() -> None:
    lines = [line for kind, block in BLOCKS if not kind for line in block.splitlines()]
    commands = [line for line in lines if line.startswith("fgsbir ")]
    assert {command.split()[1] for command in commands} >= {"index", "serve", "search", "draw", "export", "adapt"}
    for command in commands:
        parser().parse_args(shlex.split(command)[1:])
