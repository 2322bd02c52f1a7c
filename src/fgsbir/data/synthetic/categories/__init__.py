"""All categories: the main one first, then the seen ones, then the unseen ones."""

from fgsbir.data.synthetic.categories.carried import HANDBAG, RADIO, SUITCASE, TROLLEY
from fgsbir.data.synthetic.categories.chair import CHAIR
from fgsbir.data.synthetic.categories.furniture import BED, BENCH, CABINET, SHELF, SOFA, STOOL, TABLE
from fgsbir.data.synthetic.categories.vessels import CLOCK, LAMP, MUG, TEAPOT, WATERING_CAN
from fgsbir.data.synthetic.grammar import Category

_SEEN = (CHAIR, STOOL, BENCH, SOFA, TABLE, CABINET, SHELF, BED, LAMP, TEAPOT, MUG, HANDBAG, TROLLEY)
_UNSEEN = (WATERING_CAN, SUITCASE, CLOCK, RADIO)

MAIN = CHAIR.name
UNSEEN = tuple(category.name for category in _UNSEEN)
CATEGORIES: dict[str, Category] = {category.name: category for category in (*_SEEN, *_UNSEEN)}
