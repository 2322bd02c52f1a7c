"""Style sheets: which of their declarations apply to which elements, in a browser with a light page."""

import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from fgsbir.data.svg.document import SVG, Budget

RULE_COST = 20  # of a rule, and of each of its selectors, in steps
LONGEST_SELECTOR = 1000
MAX_COMPOUNDS = 20  # of a selector

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_PIECE = re.compile(r"\"[^\"]*\"?|'[^']*'?|\([^()]*\)|[{};]|[^{};\"'(]+|\(")
_COMPOUND = re.compile(r"(\*|[^\W\d][\w-]*)?((?:[#.][\w-]+|\[[^\]]*\]|:(?:root|first-child))*)")
_PART = re.compile(r"([#.:])([\w-]+)|\[\s*([\w:-]+)\s*(?:([~|^$*]?)=\s*[\"']?([^\"'\]]*?)[\"']?\s*)?\]")
_RELATION = re.compile(r"\[[^\]]*+\]|([>+~])")
# What is asked of a screen, and is so of one that nobody has set otherwise.
_TRUE_OF_SCREENS = frozenset(
    [
        *("", "all", "screen", "only all", "only screen", "not print", "(color)", "(forced-colors:none)"),
        *("(prefers-color-scheme:light)", "(prefers-reduced-motion:no-preference)", "(prefers-contrast:no-preference)"),
    ]
)


class Declaration(NamedTuple):
    """A property, its value as it is written, and whether it is marked ``!important``."""

    name: str
    value: str
    important: bool


class _Compound(NamedTuple):
    """What is asked of one element, and how it lies to the one before it in the selector."""

    relation: str
    tag: str
    id: str
    classes: frozenset[str]
    attributes: tuple[tuple[str, str, str], ...]
    states: frozenset[str]

    def is_met_by(self, element: ElementTree.Element, parent: ElementTree.Element | None) -> bool:
        if self.tag not in ("", "*", element.tag.rpartition("}")[2]) or self.id not in ("", element.get("id")):
            return False
        if self.classes and not self.classes <= set(element.get("class", "").split()):
            return False
        if any(not _says(element.get(name), operator, value) for name, operator, value in self.attributes):
            return False
        root, first = "root" not in self.states, "first-child" not in self.states
        return (root or parent is None) and (first or parent is None or parent[0] is element)


class _Rule(NamedTuple):
    """A selector and what it declares; ``weight`` and then the order decide between rules."""

    weight: tuple[int, int, int, int]
    compounds: tuple[_Compound, ...]
    declarations: tuple[Declaration, ...]


class Cascade:
    """The style sheets of one document, and the ``parents`` of its elements.

    What takes more than a ``budget`` raises DataError.
    """

    def __init__(self, root: ElementTree.Element, budget: Budget) -> None:
        self.parents = {child: parent for parent in root.iter() for child in parent}
        self._places = {child: place for parent in root.iter() for place, child in enumerate(parent)}
        self._rules: dict[str, list[_Rule]] = defaultdict(list)  # by what the last compound asks for
        self._budget = budget
        number = 0
        for style in root.iter(f"{SVG}style"):
            css = style.get("type", "").strip().lower() in ("", "text/css")
            if not style.text or not css or not _is_true(style.get("media", "")):
                continue
            for selectors, body in _rules(_COMMENT.sub(" ", style.text)):
                declared = tuple(declarations(body))
                self._budget.spend(RULE_COST + len(declared))
                for selector in selectors.split(","):
                    if compounds := _compounds(selector):
                        number += 1
                        self._budget.spend(RULE_COST)
                        last = compounds[-1]
                        key = f"#{last.id}" if last.id else f".{min(last.classes)}" if last.classes else last.tag or "*"
                        self._rules[key].append(_Rule((*_weight(compounds), number), compounds, declared))

    def declared(self, element: ElementTree.Element) -> dict[str, str]:
        """The properties that sheets and the element's own style give it."""
        keys = ["*", element.tag.rpartition("}")[2], f"#{element.get('id')}"]
        keys += [f".{name}" for name in set(element.get("class", "").split())]
        asked = [rule for key in keys for rule in self._rules.get(key, ())]
        rules = sorted(rule for rule in asked if self._applies(rule.compounds, len(rule.compounds) - 1, element))
        own = tuple(declarations(element.get("style", "")))
        found: dict[str, str] = {}
        for important in (False, True):
            for declared in (*(rule.declarations for rule in rules), own):
                self._budget.spend(len(declared))
                found |= {each.name: each.value for each in declared if each.important == important}
        return found

    def _applies(self, compounds: tuple[_Compound, ...], last: int, element: ElementTree.Element) -> bool:
        self._budget.spend(1)
        parent = self.parents.get(element)
        if not compounds[last].is_met_by(element, parent):
            return False
        if last == 0:
            return True
        relation = compounds[last].relation
        if relation in "+~":
            before = parent[: self._places[element]] if parent is not None else []
            self._budget.spend(len(before))
            others = before[-1:] if relation == "+" else before
            return any(self._applies(compounds, last - 1, other) for other in others)
        while parent is not None:
            if self._applies(compounds, last - 1, parent):
                return True
            parent = self.parents.get(parent) if relation == " " else None
        return False


def declarations(body: str) -> Iterator[Declaration]:
    """Those of a rule or a style attribute, properties in small letters but for variables."""
    for written in _parts(body):
        name, colon, value = written.partition(":")
        name, value = name.strip(), value.strip()
        plain, _, mark = value.rpartition("!")
        important = mark.strip().lower() == "important"
        value = plain.rstrip() if important else value
        if colon and name and value:
            yield Declaration(name if name.startswith("--") else name.lower(), value, important)


def _parts(body: str) -> Iterator[str]:
    """The text between semicolons that are in no string and no brackets."""
    if not any(mark in body for mark in "\"'("):
        yield from body.split(";")
        return
    pieces: list[str] = []
    for piece in _PIECE.finditer(body):
        if piece[0] == ";":
            yield "".join(pieces)
            pieces.clear()
        else:
            pieces.append(piece[0])
    yield "".join(pieces)


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """The selectors and declarations of all rules that apply to a screen."""
    blocks: list[tuple[str, bool, list[str]]] = [("", True, [])]  # how each begins, if it applies, and what it holds
    for match in _PIECE.finditer(css):
        piece = match[0]
        head, applies, held = blocks[-1]
        if piece == "{":
            begun = len(held)
            while begun and held[begun - 1] != ";":
                begun -= 1
            blocks.append(("".join(held[begun:]).strip(), applies and _holds_rules(head), []))
            del held[begun:]
        elif piece == "}" and len(blocks) > 1:
            blocks.pop()
            if applies and not head.startswith("@"):
                yield head, "".join(held)
        elif piece == ";" and (not head or head.startswith("@")):
            held.clear()  # of @import
        else:
            held.append(piece)


def _holds_rules(head: str) -> bool:
    """Whether a block, by how it begins, holds rules that apply to a screen."""
    kind = re.split(r"[\s(]", head, maxsplit=1)[0].lower()
    asked = head[len(kind) :]
    if kind == "@media":
        return _is_true(asked)
    return kind in ("", "@layer") or (kind == "@supports" and not asked.strip().startswith("not"))


def _is_true(query: str) -> bool:
    """Whether a query of media is true of a screen with a light page; of its size nothing is known."""
    plain = re.sub(r"\s*:\s*", ":", " ".join(query.lower().split())).replace("( ", "(").replace(" )", ")")
    return any(
        all(part.strip() in _TRUE_OF_SCREENS for part in re.split(r"\band\b", either)) for either in plain.split(",")
    )


def _compounds(selector: str) -> tuple[_Compound, ...]:
    """A selector's parts; none of one that holds anything else than they can say."""
    if len(selector) > LONGEST_SELECTOR:
        return ()
    found: list[_Compound] = []
    relation = " "
    for word in _RELATION.sub(lambda match: f" {match[1]} " if match[1] else match[0], selector).split():
        if word in (">", "+", "~"):
            relation = word
            continue
        match = _COMPOUND.fullmatch(word)
        if not match or not word or len(found) == MAX_COMPOUNDS:
            return ()
        parts = list(_PART.finditer(match[2]))
        of = {kind: [part[2] for part in parts if part[1] == kind] for kind in "#.:"}
        asked = tuple((part[3], part[4] if "=" in part[0] else "*", part[5] or "") for part in parts if part[3])
        id = of["#"][0] if of["#"] else ""
        found.append(_Compound(relation, match[1] or "", id, frozenset(of["."]), asked, frozenset(of[":"])))
        relation = " "
    return tuple(found)


def _weight(compounds: tuple[_Compound, ...]) -> tuple[int, int, int]:
    ids = sum(bool(each.id) for each in compounds)
    classes = sum(len(each.classes) + len(each.attributes) + len(each.states) for each in compounds)
    return ids, classes, sum(each.tag not in ("", "*") for each in compounds)


def _says(found: str | None, operator: str, value: str) -> bool:
    """Whether an attribute is there and as a selector asks; [name] is [name*=""]."""
    if found is None:
        return False
    if operator == "~":
        return value in found.split()
    if operator == "|":
        return found == value or found.startswith(f"{value}-")
    tests = {"^": found.startswith, "$": found.endswith, "*": found.__contains__}
    return tests.get(operator, found.__eq__)(value)
