"""What stands behind a product: a plain or graded backdrop, or a room, with things in it."""

import numpy as np
from PIL import Image, ImageDraw

from fgsbir.synthetic.dice import Dice
from fgsbir.synthetic.material import FABRICS, PAINTS, WOODS, Colour, lit, mixed, texture

PALE: tuple[Colour, ...] = (
    (246, 245, 242), (232, 230, 226), (222, 228, 230), (236, 226, 212), (214, 208, 200),
    (206, 214, 204), (226, 214, 214),
)  # fmt: skip
KINDS = {"white": 3, "tint": 1.5, "graded": 1.5, "room": 7, "studio": 2}
PAPERS = {"plain": 2.5, "stripes": 1.2, "floral": 1.2, "dots": 0.8, "checks": 0.6}


def background(dice: Dice, size: int, horizon: float, feet: tuple[float, float, float]) -> Image.Image:
    """An RGB picture of ``size`` pixels square.

    ``horizon`` is the row where a room's wall meets its floor; ``feet`` the left and right end and the
    lowest row of the product. All in these pixels.
    """
    kind = dice.pick(KINDS)
    wall = (252, 252, 252) if kind == "white" else dice.pick(PALE)
    image = Image.new("RGB", (size, size), wall)
    draw = ImageDraw.Draw(image)
    if kind == "graded":
        image.paste(_gradient(wall, dice.pick(PALE), size))
    elif kind == "studio":
        image.paste(_gradient(wall, lit(wall, 0.86), size))
        draw.rectangle((0, int(horizon), size, size), fill=lit(wall, 0.93))
    elif kind == "room":
        _room(dice, image, int(horizon), wall)
    if kind == "room" or dice.chance(0.45):
        _clutter(dice, image, int(horizon), feet)
    return image


def _gradient(top: Colour, bottom: Colour, size: int) -> Image.Image:
    level = np.arange(size, dtype=np.int32)[:, None]
    rows = (np.array(top, np.int32) * (size - level) + np.array(bottom, np.int32) * level) // size
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(rows[:, None, :].astype(np.uint8), (size, size, 3))))


def _tiled(dice: Dice, first: Colour, second: Colour, pattern: str, size: int, scale: int) -> Image.Image:
    """A flat area of pattern; ``scale`` is how many pixels one texture cell takes."""
    tile = texture(pattern, int(dice.between(0, 6))).astype(np.int32)
    span = np.arange(size) // scale % tile.shape[0]
    return Image.fromarray(mixed(first, second, tile[np.ix_(span, span)]).astype(np.uint8))


def _room(dice: Dice, image: Image.Image, horizon: int, wall: Colour) -> None:
    size = image.width
    draw = ImageDraw.Draw(image)
    paper = dice.pick(PAPERS)
    if paper != "plain":
        image.paste(_tiled(dice, wall, lit(wall, dice.between(0.78, 0.95)), paper, size, dice.pick((1, 2))), (0, 0))
    floor = dice.pick(("boards", "plain", "carpet", "tiles"))
    first, second = dice.pick(WOODS)
    if floor == "boards":
        draw.rectangle((0, horizon, size, size), fill=first)
        y, step = horizon, 7
        while y < size:
            shade = lit(first, dice.between(0.92, 1.06))
            draw.rectangle((0, y, size, y + step), fill=shade)
            draw.line((0, y, size, y), fill=lit(second, 0.95), width=1)
            x = int(dice.between(0, size))
            draw.line((x, y, x, y + step), fill=second, width=1)
            y += step
            step = step * 5 // 4
    elif floor == "tiles":
        base = dice.pick(PALE)
        draw.rectangle((0, horizon, size, size), fill=lit(base, 0.92))
        y, step = horizon, 10
        while y < size:
            draw.line((0, y, size, y), fill=lit(base, 0.8), width=2)
            y += step
            step = step * 7 // 5
        for i in range(-12, 13):
            draw.line((size // 2 + i * 40, horizon, size // 2 + i * 110, size), fill=lit(base, 0.8), width=2)
    elif floor == "carpet":
        base = dice.pick(FABRICS)
        image.paste(_tiled(dice, base, lit(base, 0.86), "cloth", size, 1), (0, horizon))
    else:
        draw.rectangle((0, horizon, size, size), fill=lit(dice.pick(PALE), 0.88))
    if dice.chance(0.6):
        draw.rectangle((0, horizon - int(dice.between(8, 20)), size, horizon), fill=lit(wall, 1.04))
        draw.line((0, horizon, size, horizon), fill=lit(wall, 0.7), width=2)


def _clutter(dice: Dice, image: Image.Image, horizon: int, feet: tuple[float, float, float]) -> None:
    """Things beside and behind the product: a rug, pictures, a plant, boxes, a lamp."""
    size = image.width
    draw = ImageDraw.Draw(image)
    left, right, low = feet
    if dice.chance(0.3):
        wide, tall = (right - left) * dice.between(0.6, 0.8), size * dice.between(0.07, 0.12)
        middle, at = (left + right) / 2, min(low - tall * 0.3, size - tall)
        colour = dice.pick(FABRICS)
        box = [int(middle - wide), int(at - tall), int(middle + wide), int(at + tall)]
        draw.ellipse(box, fill=colour)
        draw.ellipse([box[0] + 14, box[1] + 6, box[2] - 14, box[3] - 6], outline=lit(colour, 1.3), width=4)
    for _ in range(dice.pick({0: 3, 1: 4, 2: 2, 3: 1})):
        w, h = int(dice.between(40, 110)), int(dice.between(40, 120))
        x, y = int(dice.between(0, size - w)), int(dice.between(4, max(6, horizon - h - 30)))
        draw.rectangle((x, y, x + w, y + h), fill=dice.pick(((40, 36, 34), (150, 110, 70), (240, 238, 232))))
        art = _tiled(dice, dice.pick(FABRICS), dice.pick(PALE), dice.pick(("worn", "floral", "stripes")), max(w, h), 1)
        image.paste(art.crop((0, 0, w - 12, h - 12)), (x + 6, y + 6))
    for _ in range(dice.pick({0: 2, 1: 4, 2: 3, 3: 1})):
        side = dice.chance(0.5)
        x = int(left - dice.between(-5, 70)) if side else int(right + dice.between(-5, 70))
        foot = int(horizon + dice.between(0.05, 0.5) * max(10.0, low - horizon))
        _thing(dice, draw, x, foot)


def _thing(dice: Dice, draw: ImageDraw.ImageDraw, x: int, foot: int) -> None:
    colour = dice.pick(PAINTS)
    what = dice.pick(("plant", "boxes", "lamp", "books"))
    if what == "plant":
        w, h = int(dice.between(22, 40)), int(dice.between(30, 60))
        green = dice.pick(((74, 110, 70), (98, 134, 82), (58, 92, 74)))
        for _ in range(int(dice.between(7, 14))):
            a, b = dice.between(-1.2, 1.2), dice.between(0.7, 1.7)
            tip = (x + int(a * 60), foot - h - int(b * 60))
            draw.polygon(((x - 3, foot - h), tip, (x + 9, foot - h - 30)), fill=lit(green, dice.between(0.8, 1.2)))
        pot = ((x - w, foot - h), (x + w, foot - h), (x + w * 3 // 4, foot), (x - w * 3 // 4, foot))
        draw.polygon(pot, fill=colour)
    elif what == "lamp":
        h = int(dice.between(180, 300))
        draw.line((x, foot, x, foot - h), fill=(60, 60, 62), width=5)
        draw.ellipse((x - 26, foot - 6, x + 26, foot + 6), fill=(60, 60, 62))
        shade = ((x - 20, foot - h - 50), (x + 20, foot - h - 50), (x + 38, foot - h), (x - 38, foot - h))
        draw.polygon(shade, fill=colour)
    else:
        y = foot
        for _ in range(int(dice.between(1, 4))):
            w = int(dice.between(26, 52))
            h = int(dice.between(24, 54)) if what == "boxes" else int(dice.between(8, 14))
            tone = dice.pick(PAINTS) if what == "books" else (190, 154, 112)
            draw.rectangle((x - w, y - h, x + w, y), fill=lit(tone, dice.between(0.85, 1.1)))
            draw.rectangle((x - w, y - h, x + w, y - h + 3), fill=lit(tone, 1.2))
            y -= h
