"""All categories: the main one first, then the seen ones, then the unseen ones."""

from fgsbir.synthetic.categories.chair import CHAIR
from fgsbir.synthetic.categories.devices import CLOCK, RADIO
from fgsbir.synthetic.categories.lamps import LAMP
from fgsbir.synthetic.categories.luggage import HANDBAG, SUITCASE
from fgsbir.synthetic.categories.seats import BENCH, STOOL
from fgsbir.synthetic.categories.soft_furniture import BED, SOFA
from fgsbir.synthetic.categories.storage import CABINET, SHELF
from fgsbir.synthetic.categories.tables import TABLE, TROLLEY
from fgsbir.synthetic.categories.vessels import MUG, TEAPOT, WATERING_CAN
from fgsbir.synthetic.grammar import Category

_SEEN = (CHAIR, STOOL, BENCH, SOFA, TABLE, CABINET, SHELF, BED, LAMP, TEAPOT, MUG, HANDBAG, TROLLEY)
_UNSEEN = (WATERING_CAN, SUITCASE, CLOCK, RADIO)

MAIN = CHAIR.name
UNSEEN = tuple(category.name for category in _UNSEEN)
CATEGORIES: dict[str, Category] = {category.name: category for category in (*_SEEN, *_UNSEEN)}
