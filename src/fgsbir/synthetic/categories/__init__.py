"""All categories: the main one first, then the seen ones, then the unseen ones."""

from fgsbir.synthetic.categories.chair import chair
from fgsbir.synthetic.categories.devices import clock, radio
from fgsbir.synthetic.categories.household import birdhouse, bottle, coat_rack, fan, ladder, saucepan
from fgsbir.synthetic.categories.lamps import lamp
from fgsbir.synthetic.categories.luggage import handbag, suitcase
from fgsbir.synthetic.categories.seats import bench, stool
from fgsbir.synthetic.categories.soft_furniture import bed, sofa
from fgsbir.synthetic.categories.storage import cabinet, shelf
from fgsbir.synthetic.categories.tables import table, trolley
from fgsbir.synthetic.categories.vehicles import bicycle, truck
from fgsbir.synthetic.categories.vessels import mug, teapot, watering_can

_SEEN = (
    chair, stool, bench, sofa, table, cabinet, shelf, bed, lamp, teapot, mug, handbag, trolley,
    bottle, saucepan, ladder, fan, coat_rack, birdhouse,
)  # fmt: skip
_UNSEEN = (watering_can, suitcase, clock, radio, bicycle, truck)

MAIN = chair.name
UNSEEN = tuple(category.name for category in _UNSEEN)
CATEGORIES = {category.name: category for category in (*_SEEN, *_UNSEEN)}
