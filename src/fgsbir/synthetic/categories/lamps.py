"""Lamps."""

from collections.abc import Iterator

from fgsbir.synthetic.grammar import Values, category
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import ball, bar, turned, vessel


@category(
    yaw=(0, 45), pitch=(6, 18),
    materials={"stem": "metal wood painted", "body": "ceramic wood metal", "shade": "fabric painted"},
    height=(22, 60), foot_width=(8, 14), foot_height=(1.2, 5), stem=(0.8, 1.8), belly=(5, 10), shade_width=(12, 22),
    shade_taper=(0.4, 0.95), shade_height=(12, 26), chain_length=(3, 9), spread=(0.9, 1.5), waist=(0.3, 0.55),
    sink=(0.1, 0.3), foot={"disc": 3, "cone": 2, "tripod": 1.2}, body=["stick", "gourd", "urn", "balls"],
    balls=[2, 3, 4], shade={"cone": 4, "bell": 2, "dome": 1.5, "globe": 1}, chain={False: 3, True: 1},
)  # fmt: skip
def lamp(p: Values) -> Iterator[Part]:
    """The parts of one lamp."""
    top, straight = p.foot_height + p.height, [(0, p.stem), (1, p.stem)]
    if p.foot == "tripod":
        for x, z in ((1, 0.5), (-1, 0.5), (0, -1)):
            foot_at = (x * p.foot_width * p.spread, 0, z * p.foot_width * p.spread)
            yield bar("leg", "stem", (0, top * 0.62, 0), foot_at, p.stem * 1.6, taper=0.7)
        yield turned("stem", "stem", (0, top * 0.6, 0), (0, top, 0), straight)
    else:
        foot = [(0, p.foot_width), (p.foot_height, p.foot_width * (0.9 if p.foot == "disc" else 0.3))]
        yield vessel("foot", "stem", (0, 0, 0), foot)
        yield from body(p)
    rim, upper, tall, r = p.shade_width, p.shade_width * p.shade_taper, p.shade_height, p.shade_width * 0.75
    profile = {
        "cone": [(0, rim), (tall, upper)],
        "bell": [(0, rim), (tall * 0.2, rim * 0.82), (tall * 0.6, upper * 1.15), (tall, upper)],
        "dome": [(0, rim), (tall * 0.35, rim * 0.94), (tall * 0.7, rim * 0.72), (tall, rim * 0.2)],
        "globe": [(0, r * 0.4), (r * 0.3, r * 0.8), (r, r), (r * 1.7, r * 0.75), (r * 2, r * 0.2)],
    }[p.shade]
    y = top - tall * p.sink
    yield vessel("shade", "shade", (0, y, 0), profile)
    if p.chain:
        x, z, end = rim * 0.45, rim * 0.6, y - p.chain_length
        yield bar("chain", "stem", (x, y, z), (x, end, z), 0.8)
        yield ball("pull", "body", (x, end - 1, z), 1.2)


def body(p: Values) -> Iterator[Part]:
    """What carries the shade: a stick, a turned body, or balls on one another."""
    h, low, r, thin = p.height, p.foot_height, p.belly, p.stem
    at = (0.0, low, 0.0)
    if p.body == "stick":
        yield turned("stem", "stem", at, (0, low + h, 0), [(0, thin), (1, thin)])
    elif p.body == "gourd":
        belly = [(0, thin * 2), (h * 0.25, r), (h * 0.5, r * p.waist), (h * 0.68, r * 0.62)]
        yield vessel("body", "body", at, [*belly, (h * 0.9, thin), (h, thin)])
    elif p.body == "urn":
        urn = [(0, r * 0.5), (h * 0.45, r), (h * 0.7, r * 0.8), (h * 0.85, thin), (h, thin)]
        yield vessel("body", "body", at, urn)
    else:
        for i in range(p.balls):
            y = low + h * (i + 0.5) / p.balls
            yield ball("ball", "body", (0, y, 0), min(r * 0.8, h / p.balls * 0.55))
