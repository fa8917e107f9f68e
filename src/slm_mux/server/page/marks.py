"""Marks of answers: a shape and a colour for each class, the same in every model's column.

There are eight shapes and eight colours. The shape alone tells the first eight classes apart, so
nobody has to see the colours.
"""

from msgspec import Struct

SHAPES = (
    '<circle cx="8" cy="8" r="6"/>',
    '<rect x="2.5" y="2.5" width="11" height="11"/>',
    '<path d="M8 1.5 15 14H1z"/>',
    '<path d="M8 .8 15.2 8 8 15.2.8 8z"/>',
    '<path d="M5.6 1h4.8v4.6H15v4.8h-4.6V15H5.6v-4.6H1V5.6h4.6z"/>',
    '<path d="M1 2h14L8 14.5z"/>',
    '<path d="m8 .8 2.1 4.9 5.3.5-4 3.5 1.2 5.2L8 12.1l-4.6 2.8 1.2-5.2-4-3.5 5.3-.5z"/>',
    '<path d="M4.4 1.5h7.2L15.2 8l-3.6 6.5H4.4L.8 8z"/>',
)
"""Inside a square of 16 by 16."""
COLOURS = 8
"""Those of the style sheet, mark-0 to mark-7."""


class Mark(Struct, frozen=True):
    """How one class is marked."""

    shape: int
    colour: int


class Marks:
    """Gives each class a mark when it is first seen."""

    def __init__(self) -> None:
        self._given: dict[str, Mark] = {}

    def of(self, canonical: str) -> Mark:
        """The mark of a class."""
        if canonical not in self._given:
            number = len(self._given)
            shape = number % len(SHAPES)
            # The ninth class has the first shape again, in another colour.
            colour = (number + number // len(SHAPES)) % COLOURS
            self._given[canonical] = Mark(shape, colour)
        return self._given[canonical]
