"""``docs/scale.md``, written from ``benchmarks/scale.json``: slopes, costs of a photo, and what ten million cost."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
MANY, MACHINES, CORES = 10**7, (1, 8, 64), 16
# The parts that pass every photo, and the number of times that the trunk reads it in each; shards go to all machines.
SHARED = {"features": 2, "edges": 0, "pseudo": 1, "index": 1}
ALONE = {"shard": 0}


def page(rows: Sequence[Row], machine: str) -> str:
    """The page as Markdown."""
    largest: dict[str, Row] = {row["what"]: row for row in sorted(rows, key=lambda row: row["n"])}
    lines = [
        "| part | photos | seconds | peak, MiB | slope | CPU-ms a photo | bytes a photo |",
        "|---|---|---|---|---|---|---|",
    ]
    before: Row | None = None
    for row in rows:
        one = row["n"] if not row["what"].startswith("search") else 100
        cells = [row["what"], f"{row['n']:,}", f"{row['seconds']:.3g}", f"{row['peak_mib']:,.0f}", _slope(before, row)]
        cells += [f"{1e3 * row['cpu_seconds'] / one:.3g}", f"{row['bytes'] / row['n']:,.0f}" if row["bytes"] else ""]
        lines.append(f"| {' | '.join(cells)} |")
        before = row
    alone = {row["n"]: row["cpu_seconds"] for row in rows if row["what"] == "features"}
    lines += ["", *(_searched(row) for row in rows if "recall" in row)]
    lines += [_shared(row, alone[row["n"]]) for row in rows if "processes" in row and row["n"] in alone]
    machine = _processors(rows) + machine.partition("\n")[2]
    return HEAD + "\n".join(lines) + "\n" + _costs(largest) + f"\n{machine}\nMade by `python -m benchmarks.scale`.\n"


def _slope(before: Row | None, row: Row) -> str:
    """By which power of the number of photos the seconds grow: 1 is linear."""
    if before is None or before["what"] != row["what"]:
        return ""
    return f"{math.log(row['seconds'] / before['seconds']) / math.log(row['n'] / before['n']):.2f}"


def _searched(row: Row) -> str:
    alone, of_users, opening = (1e3 * row[name] for name in ("p95", "p95_of_users", "opening"))
    return (
        f"* {row['n']:,} photos by the inverted file: {100 * row['recall']:.1f} % of the exact top ten; 95 of 100 "
        f"searches within {alone:.1f} ms, of four users at once within {of_users:.1f} ms; opened in {opening:.0f} ms."
    )


def _shared(row: Row, alone: float) -> str:
    ratio = row["cpu_seconds"] / alone
    return f"* {row['n']:,} photos by {row['processes']} processes: {ratio:.2f} times the CPU-seconds of one."


def _processors(rows: Sequence[Row]) -> str:
    """That of most rows, and those of the others."""
    rows_of: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        rows_of.setdefault(row["processor"], {}).setdefault(row["what"], []).append(f"{row['n']:,}")
    usual, *others = sorted(rows_of, key=lambda processor: -sum(map(len, rows_of[processor].values())))
    lines = [f"* processor: {usual}"]
    for other in others:
        said = "; ".join(f"{what} of {', '.join(of)}" for what, of in rows_of[other].items())
        lines.append(f"* processor of {said}: {other}")
    return "\n".join(lines) + "\n"


def _costs(largest: Mapping[str, Row]) -> str:
    needed = [*SHARED, *ALONE, "trunk"]
    if not all(what in largest for what in needed):
        return f"\nTo reckon what {MANY:,} photos cost, measure these first: {', '.join(needed)}.\n"
    each = {what: largest[what]["cpu_seconds"] / largest[what]["n"] for what in needed}
    lines = [COSTS]
    for what, times in (ALONE | SHARED).items():
        hours = (each[what] + times * each["trunk"]) * MANY / 3600
        trunk = f" + {times} x {each['trunk']:.4f}" if times else ""
        over = [hours / CORES / (1 if what in ALONE else machines) for machines in MACHINES]
        size = largest[what]["bytes"] / largest[what]["n"] * MANY / 1e9
        cells = [what, f"({each[what]:.4f}{trunk}) s x 10⁷ / 3600 = {hours:,.0f} h"]
        lines.append(f"| {' | '.join([*cells, *(f'{one:,.1f} h' for one in over), f'{size:,.0f} GB'])} |")
    return "\n".join(lines) + "\n"


HEAD = """# From a thousand photos to ten million

`python -m benchmarks.scale` measures each part in a process of its own, with one thread of torch. Slope is the power
of the number of photos that the time grows with: 1 is linear. Peak is the most memory that the process itself has,
torch and the trunk included; mapped files are left out, since the system drops their pages when others need the memory.

* `shard`, `edges`: photos of 256 pixels.
* `features`, `pseudo`, `train` and `index`: 64 pixels and the first blocks of a small trunk, so that the part is
  measured and not the trunk. `trunk` is the default one, which reads each photo once. Rows of several processes leave
  out their start.
* `pseudo` draws all unlabelled photos, four of five. The stage draws at most `pseudo.photos` of them.
* `train`: an epoch of F's head on stored features. `leaks`: comparing looks, a tenth of them held out. `listing`:
  reading the index of a set.
* `search`: a hundred sketches, one after the other, among embeddings like those of the default set's photos; CPU-ms
  are of one search.

"""
COSTS = f"""
## What {MANY:,} photos cost

CPU-seconds a photo at the largest number measured, times 10⁷, over the cores of 1, 8 and 64 machines with {CORES} cores
like this one's. All machines share the shards; the stage `shard` runs on one, whose threads share the decoding.
`pseudo` is reckoned for a drawing of every photo: the stage draws `pseudo.photos` of them, which takes minutes. Its G
is small here, and the bytes of `features` and `pseudo` are the small trunk's.

| part | CPU-hours | {" | ".join(f"{machines} machine" + "s" * (machines > 1) for machines in MACHINES)} | on disk |
|---|---|---|---|---|---|"""
