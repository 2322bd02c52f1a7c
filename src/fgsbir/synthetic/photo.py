"""Photos of products: faces filled back to front with lit, textured materials, on a background.

Everything from projected points (rounded to 1/16 pixel) to bytes is integer work, so one seed gives
the same bytes on every x86 processor.
"""

import io
import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from fgsbir.synthetic.background import background
from fgsbir.synthetic.dice import Dice
from fgsbir.synthetic.geometry import PICTURE, Point, Vec, View, add, convex_hull, dot, look, scaled, unit
from fgsbir.synthetic.instance import Instance, instance
from fgsbir.synthetic.material import TILE, Material, choose
from fgsbir.synthetic.parts import Face, back_to_front

SUPERSAMPLE = 2
TEXTURED = 120  # smallest box, in supersampled pixels, for which a texture would be seen


def draw_photo(photo_id: str, *, seed: int, size: int = PICTURE, quality: int = 90) -> bytes:
    """The photo ``photo_id`` as JPEG bytes, ``size`` pixels square.

    A pure function of its arguments; the product and its pose come from ``seed`` and the id alone.
    """
    picture = _drawn(instance(seed, photo_id), seed)
    if size != PICTURE:
        whole = PICTURE % size == 0
        picture = picture.resize((size, size), Image.Resampling.BOX if whole else Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _drawn(product: Instance, seed: int) -> Image.Image:
    parts, pose = list(product.category.parts(product.values)), product.pose
    points = [p for part in parts for p in part.points()]
    view = look(pose.yaw, pose.pitch, pose.roll, pose.mirrored).fitted(points, pose.side, pose.x, pose.y)
    dice = Dice(seed, product.id, "look")
    kinds = sorted(product.category.materials.items())
    materials = {slot: choose(dice.pick(names.split()), dice) for slot, names in kinds}
    light = _light(view, dice)
    side = PICTURE * SUPERSAMPLE
    xs, ys = zip(*(view.project(p) for p in points), strict=True)
    low, height = max(ys) * SUPERSAMPLE, (max(ys) - min(ys)) * SUPERSAMPLE
    horizon = low - height * dice.between(0.12, 0.4)
    canvas = background(dice, side, horizon, (min(xs) * SUPERSAMPLE, max(xs) * SUPERSAMPLE, low))
    _shadow(canvas, points, view, dice)
    ambient = dice.between(0.58, 0.74)
    for index in back_to_front(parts, view):
        for face in parts[index].faces(view):
            _fill(canvas, face, materials[parts[index].material], light, ambient)
        for line in parts[index].lines(view):
            if line.kind == "detail":
                _score(canvas, line.points, line.closed, materials[parts[index].material])
    return _developed(canvas.reduce(SUPERSAMPLE), dice)


def _light(view: View, dice: Dice) -> Vec:
    """Direction to the light in product space; it comes from above, left or right of the camera."""
    across = dice.between(-0.8, 0.8)
    local = add(scaled(view.right, across), add(scaled(view.up, dice.between(0.7, 1.1)), scaled(view.toward, 0.6)))
    return unit(local)


def _fine(points: list[Point]) -> list[tuple[int, int]]:
    """Points of the picture in supersampled pixels."""
    return [(int(x * SUPERSAMPLE + 0.5), int(y * SUPERSAMPLE + 0.5)) for x, y in points]


def _fill(canvas: Image.Image, face: Face, material: Material, light: Vec, ambient: float) -> None:
    points = _fine(face.points)
    lit = max(0.0, dot(face.normal, light))
    level = ambient + (1.12 - ambient) * lit + material.gloss * max(0.0, lit - 0.75) * 2
    shade = int(level * face.dark * 64) * 4
    palette = material.shaded(shade)
    xs, ys = zip(*points, strict=True)
    x0, y0 = max(0, min(xs)), max(0, min(ys))
    x1, y1 = min(canvas.width, max(xs) + 1), min(canvas.height, max(ys) + 1)
    if x0 >= x1 or y0 >= y1:
        return
    indices = None
    if material.texture is not None and face.frame and (x1 - x0) * (y1 - y0) > TEXTURED:
        indices = _texels(face.frame, material, x0, y0, x1, y1)
    if indices is None:
        flat = palette[96 if material.texture is not None else 0]
        ImageDraw.Draw(canvas).polygon(points, fill=tuple(flat.tolist()))
        return
    mask = Image.new("1", (x1 - x0, y1 - y0), 0)
    ImageDraw.Draw(mask).polygon([(x - x0, y - y0) for x, y in points], fill=1)
    canvas.paste(Image.fromarray(palette[indices]), (x0, y0), mask)


def _texels(
    frame: tuple[Point, Point, Point], material: Material, x0: int, y0: int, x1: int, y1: int
) -> np.ndarray | None:
    """Texture levels uint8 for a box of pixels, by 16-bit fixed-point steps; None where a face is seen edge-on."""
    (ox, oy), (ux, uy), (vx, vy) = frame
    determinant = ux * vy - uy * vx
    if abs(determinant) < 0.02 * (ux * ux + uy * uy + vx * vx + vy * vy):
        return None
    if material.turned:
        (ux, uy), (vx, vy), determinant = (vx, vy), (ux, uy), -determinant
    k = TILE / material.units / SUPERSAMPLE * 65536 / determinant
    du_dx, du_dy, dv_dx, dv_dy = round(vy * k), round(-vx * k), round(-uy * k), round(ux * k)
    x = np.arange(x0, x1, dtype=np.int64) - round(ox * SUPERSAMPLE)
    y = np.arange(y0, y1, dtype=np.int64)[:, None] - round(oy * SUPERSAMPLE)
    u = (x * du_dx + y * du_dy) >> 16
    v = (x * dv_dx + y * dv_dy) >> 16
    assert material.texture is not None
    return material.texture[v & (TILE - 1), u & (TILE - 1)]


def _score(canvas: Image.Image, points: list[Point], closed: bool, material: Material) -> None:
    path = _fine([*points, points[0]] if closed else points)
    ImageDraw.Draw(canvas).line(path, fill=tuple(material.shaded(144)[96].tolist()), width=2)


def _shadow(canvas: Image.Image, points: list[Vec], view: View, dice: Dice) -> None:
    """A soft shadow on the floor, darker and sharper under what touches it."""
    side = canvas.width // 4
    floor = min(p[1] for p in points)
    drift = (dice.between(-0.35, 0.35), dice.between(-0.25, 0.1))
    strength = int(dice.between(40, 120))
    layers = (([p for p in points if p[1] < floor + 14], strength, 1.5), (points, strength // 2, 4.0))
    for chosen, alpha, blur in layers:
        cast = [(x + drift[0] * min(y - floor, 40), floor, z + drift[1] * min(y - floor, 40)) for x, y, z in chosen]
        hull = convex_hull(view.project(p) for p in cast)
        if len(hull) < 3:
            continue
        mask = Image.new("L", (side, side), 0)
        k = side / PICTURE
        ImageDraw.Draw(mask).polygon([(math.floor(x * k), math.floor(y * k)) for x, y in hull], fill=alpha)
        mask = mask.filter(ImageFilter.BoxBlur(blur)).filter(ImageFilter.BoxBlur(blur))
        soft = mask.resize(canvas.size, Image.Resampling.BILINEAR)
        canvas.paste((24, 22, 26), (0, 0, canvas.width, canvas.height), soft)


def _developed(picture: Image.Image, dice: Dice) -> Image.Image:
    """Exposure, white balance, light that falls off to a side, and sensor noise."""
    gain = [int(256 * dice.between(0.94, 1.05)) for _ in range(3)]
    lift = int(dice.between(-6, 8))
    curves = [min(255, max(0, (level * g >> 8) + lift)) for g in gain for level in range(256)]
    picture = picture.point(curves)
    falloff = Image.new("L", (2, 2))
    falloff.putdata([int(dice.between(234, 256)) for _ in range(4)])
    falloff = falloff.resize(picture.size, Image.Resampling.BILINEAR)
    picture = ImageChops.multiply(picture, Image.merge("RGB", (falloff, falloff, falloff)))
    spread = int(dice.between(1, 7))
    raw = np.random.PCG64(int(dice.between(0, 2**53))).random_raw(PICTURE * PICTURE * 3 // 8 + 1).view(np.uint8)
    grain = raw[: PICTURE * PICTURE * 3].reshape(PICTURE, PICTURE, 3).astype(np.int16)
    grain = ((grain - 128) * spread) >> 7
    return Image.fromarray(np.clip(np.asarray(picture, np.int16) + grain, 0, 255).astype(np.uint8))
