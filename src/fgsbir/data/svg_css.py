"""Style sheets in the words of SVG 1.1, which the normaliser knows: what browsers read beyond them is rewritten."""

import math
import re

# No expression here backtracks far: style sheets are hostile as well.
NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"

_VARIABLE = re.compile(r"(?<![\w-])(--[\w-]+)\s*:\s*([^;}]+)")
# A colour or a width is short. A long value that is used everywhere would fill the memory.
LONGEST_VALUE = 200
_USE = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,((?:[^()]|\([^()]*\))*))?\)")
_LIGHT_DARK = re.compile(r"light-dark\(((?:[^(),]|\([^()]*\))*),(?:[^()]|\([^()]*\))*\)")
_COLOUR = re.compile(r"(rgb|hsl)a?\(\s*([^\s,()/]+)\s+([^\s,()/]+)\s+([^\s,()/]+?)\s*(?:/\s*([^\s()]+?)\s*)?\)")
_TRANSFORM = re.compile(r"((?:^|[;{\s])transform\s*:)([^;}]*)")
ORIGIN = re.compile(rf"(?:^|[;{{\s])transform-origin\s*:\s*({NUMBER})(?:px)?\s+({NUMBER})(?:px)?\s*(?:[;}}]|$)")
_MEDIA = re.compile(r"@media\s+(?:only\s+)?(?:all|screen)\s*\{((?:[^{}]*\{[^{}]*\})*)[^{}]*\}")
_CALL = re.compile(r"\b(\w+)\(([^()]*)\)")
_VALUE = re.compile(rf"({NUMBER})\s*(px|pt|mm|cm|in|deg|rad|turn|grad)?")
_UNITS = {"pt": 96 / 72, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96, "rad": 180 / math.pi, "turn": 360, "grad": 0.9}
_AXES = {
    "translateX": "translate({},0)",
    "translateY": "translate(0,{})",
    "scaleX": "scale({},1)",
    "scaleY": "scale(1,{})",
}


def variables(css: str) -> dict[str, str]:
    """The custom properties that a style sheet sets, wherever they are set."""
    return {name: value for name, value in _VARIABLE.findall(css) if len(value) <= LONGEST_VALUE}


def plain_css(css: str, known: dict[str, str]) -> str:
    """A style sheet, a style attribute or a paint without variables, new forms of colours, and units in transforms."""
    if "var(" in css:
        css = _USE.sub(lambda use: known.get(use[1], use[2] or "none"), css)
    if "@media" in css:
        css = _MEDIA.sub(r"\1", css)
    if "(" not in css:
        return css
    css = _LIGHT_DARK.sub(r"\1", css)
    css = _COLOUR.sub(lambda colour: _commas(*colour.groups()), css)
    origin = ORIGIN.search(css)
    return _TRANSFORM.sub(lambda found: found[1] + plain_transform(found[2], origin and origin.groups()), css)


def plain_transform(css: str, origin: tuple[str | None, ...] | None = None) -> str:
    """A transform of CSS as an attribute's: pixels and degrees, without units; about ``origin`` if there is one."""
    calls = []
    for name, values in _CALL.findall(css):
        numbers = [f"{float(number) * _UNITS.get(unit, 1):.9g}" for number, unit in _VALUE.findall(values)]
        form = _AXES.get(name, name + "({})")
        calls.append(form.format(",".join(numbers)))
    plain = " ".join(calls)
    return (
        f"translate({origin[0]},{origin[1]}) {plain} translate({-float(origin[0] or 0)},{-float(origin[1] or 0)})"
        if origin
        else plain
    )


def _commas(form: str, one: str, two: str, three: str, opacity: str | None) -> str:
    one = one.removesuffix("deg")
    if opacity is None:
        return f"{form}({one},{two},{three})"
    share = float(opacity[:-1]) / 100 if opacity.endswith("%") else opacity
    return f"{form}a({one},{two},{three},{share})"
