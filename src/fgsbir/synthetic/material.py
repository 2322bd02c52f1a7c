"""Materials: tileable integer textures, and the colours that they take under a light."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from fgsbir.synthetic.dice import Dice

TILE = 128
VARIANTS = 6

Colour = tuple[int, ...]

WOODS: tuple[tuple[Colour, Colour], ...] = (
    ((196, 150, 98), (160, 112, 66)), ((226, 196, 150), (200, 164, 116)), ((122, 78, 46), (84, 50, 28)),
    ((156, 92, 52), (118, 62, 32)), ((92, 68, 54), (62, 44, 34)), ((214, 172, 126), (178, 128, 84)),
)  # fmt: skip
FABRICS: tuple[Colour, ...] = (
    (70, 92, 120), (152, 60, 58), (108, 120, 88), (198, 176, 140), (120, 112, 108), (214, 200, 180),
    (58, 62, 72), (202, 146, 60), (96, 142, 144), (176, 118, 130), (40, 74, 66), (226, 222, 212),
)  # fmt: skip
PAINTS: tuple[Colour, ...] = (
    (238, 236, 230), (44, 44, 48), (92, 126, 138), (168, 58, 50), (216, 184, 92), (122, 148, 118),
    (206, 206, 204), (64, 82, 112), (232, 214, 190), (150, 150, 154), (224, 128, 78), (140, 180, 186),
)  # fmt: skip
METALS: tuple[Colour, ...] = ((172, 176, 182), (60, 62, 66), (188, 152, 90), (150, 104, 74), (204, 206, 210))

PATTERNS: dict[str, dict[str, float]] = {
    "wood": {"grain": 5, "fine grain": 3, "plain": 1},
    "painted": {"plain": 2, "speckle": 1, "worn": 1, "brushed": 0.7},
    "metal": {"plain": 3, "brushed": 2},
    "fabric": {"cloth": 2, "checks": 1.5, "stripes": 2, "dots": 1, "floral": 1.5, "herringbone": 1},
    "leather": {"speckle": 1, "plain": 1, "worn": 1},
    "weave": {"basket": 1, "herringbone": 1},
    "ceramic": {"plain": 3, "speckle": 1.5, "stripes": 1, "floral": 1.2, "dots": 0.8},
}


@dataclass(slots=True)
class Material:
    """A texture field (0 ... 255) and the two or three colours that it runs through.

    ``units`` is the number of product units that one tile covers; ``turned`` swaps its axes.
    """

    texture: np.ndarray | None
    palette: np.ndarray
    units: float
    turned: bool
    gloss: float
    _shaded: dict[int, np.ndarray] = field(default_factory=dict)

    def shaded(self, light: int) -> np.ndarray:
        """The palette uint8 (256, 3) under ``light`` (256 leaves colours as they are)."""
        if light not in self._shaded:
            self._shaded[light] = np.minimum(self.palette * light >> 8, 255).astype(np.uint8)
        return self._shaded[light]


def choose(kind: str, dice: Dice) -> Material:
    """Draw a material of ``kind`` (a key of PATTERNS)."""
    pattern = dice.pick(PATTERNS[kind])
    if kind == "wood":
        first, second = dice.pick(WOODS)
    else:
        family = {"metal": METALS, "fabric": FABRICS, "leather": FABRICS}.get(kind, PAINTS)
        first = dice.pick(family)
        second = dice.pick(family) if pattern in ("checks", "stripes", "dots", "floral") else lit(first, 0.82)
        if kind == "weave":
            first, second = dice.pick(WOODS)
    drift = [int(dice.bell(9)) for _ in range(3)]
    colours = [tuple(min(255, max(0, c + d)) for c, d in zip(colour, drift, strict=True)) for colour in (first, second)]
    units = {"grain": 26.0, "fine grain": 16.0}.get(pattern, dice.between(9, 24))
    return Material(
        None if pattern == "plain" else texture(pattern, int(dice.between(0, VARIANTS))),
        mixed(colours[0], colours[1], np.arange(256, dtype=np.int32)),
        units,
        dice.chance(0.5) if kind != "wood" else dice.chance(0.3),
        {"metal": 0.5, "ceramic": 0.35, "leather": 0.2}.get(kind, 0.0),
    )


def lit(colour: Colour, k: float) -> Colour:
    return tuple(min(255, int(c * k)) for c in colour)


def mixed(first: Colour, second: Colour, level: np.ndarray) -> np.ndarray:
    """Colours int32 (..., 3) from ``first`` at a ``level`` int32 (...) of 0 to ``second`` at 255."""
    level = level[..., None]
    return (np.array(first, np.int32) * (255 - level) + np.array(second, np.int32) * level) // 255


def noise(dice: Dice, cells_x: int, cells_y: int, size: int = TILE) -> np.ndarray:
    """Smooth tileable noise int32 (size, size) in 0 ... 255, by integer interpolation of a coarse grid."""
    raw = np.array([int(dice.between(0, 256)) for _ in range(cells_x * cells_y)], np.int32).reshape(cells_y, cells_x)
    for axis, cells in ((0, cells_y), (1, cells_x)):
        place = np.arange(size) * cells * 256 // size
        low, share = place >> 8, place & 255
        a, b = np.take(raw, low % cells, axis), np.take(raw, (low + 1) % cells, axis)
        share = share[:, None] if axis == 0 else share[None, :]
        raw = (a * (256 - share) + b * share) >> 8
    return raw


def _wave(phase: np.ndarray) -> np.ndarray:
    """A triangle wave 0 ... 255 with period 256."""
    return 255 - abs((phase & 255) * 2 - 255)


@lru_cache(maxsize=128)
def texture(pattern: str, variant: int) -> np.ndarray:
    """A tileable field uint8 (TILE, TILE); the same for every seed, so that it is drawn once a process."""
    dice = Dice("texture", pattern, variant)
    y, x = np.mgrid[0:TILE, 0:TILE].astype(np.int32)
    if pattern in ("grain", "fine grain", "brushed"):
        rings = {"grain": 5, "fine grain": 11, "brushed": 0}[pattern]
        bend = noise(dice, 2, 4) * 2 + noise(dice, 4, 16) // 3
        fine = noise(dice, 2, 64)
        if rings:
            field_ = (_wave(y * 256 * rings // TILE + bend) * 2 + fine) // 3
        else:
            field_ = fine // 2 + noise(dice, 1, 128) // 2
    elif pattern in ("speckle", "worn", "cloth"):
        cells = {"speckle": 64, "worn": 8, "cloth": 128}[pattern]
        field_ = noise(dice, cells, cells)
        if pattern == "cloth":
            field_ = (field_ + _wave(x * 16) // 2 + _wave(y * 16) // 2) // 2
    elif pattern == "checks":
        n = dice.pick((2, 4, 8))
        field_ = (((x * n // TILE) & 1) + ((y * n // TILE) & 1)) * 110 + noise(dice, 64, 64) // 8
    elif pattern == "stripes":
        n = dice.pick((3, 5, 8))
        field_ = np.where((y * n * 16 // TILE) % 16 < dice.pick((4, 8, 11)), 0, 215) + noise(dice, 64, 64) // 8
    elif pattern == "dots":
        n = dice.pick((4, 6))
        cell = TILE // n
        u, v = x % cell - cell // 2, y % cell - cell // 2
        field_ = np.where(u * u + v * v < (cell * cell) // dice.pick((9, 16)), 230, 10)
    elif pattern == "floral":
        field_ = np.full((TILE, TILE), 20, np.int32)
        around = ((0, -1), (0.95, -0.3), (0.6, 0.8), (-0.6, 0.8), (-0.95, -0.3))
        petals = [*((dx, dy, 0.5, 225) for dx, dy in around), (0, 0, 0.25, 120)]
        for _ in range(9):
            cx, cy, r = dice.between(0, TILE), dice.between(0, TILE), dice.between(7, 13)
            for dx, dy, share, level in petals:
                u = (x - int(cx + dx * r) + TILE // 2) % TILE - TILE // 2
                v = (y - int(cy + dy * r) + TILE // 2) % TILE - TILE // 2
                field_ = np.where(u * u + v * v < int(share * r * r), level, field_)
    elif pattern == "herringbone":
        field_ = _wave((y + abs(x % 32 - 16)) * 32) * 3 // 4 + noise(dice, 64, 64) // 5
    else:  # basket
        even = ((x // 16) + (y // 16)) & 1
        field_ = np.where(even == 1, _wave(x * 64), _wave(y * 64)) * 3 // 4 + noise(dice, 32, 32) // 5
    return np.clip(field_, 0, 255).astype(np.uint8)
