"""What a spec says, where it stands, and what is to be said about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from exporter.errors import ConfigurationError
from exporter.marked import Mapping, Place, Sequence


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a spec: text, `Mapping` or `Sequence`, and where it is written."""

    value: object
    place: Place
    line: int

    def get(self, key: str) -> Node | None:
        """What stands under a key; None if nothing does.

        Raises:
            SpecError: this is no mapping.
        """
        if not isinstance(self.value, Mapping):
            raise SpecError(self, "must be a mapping of keys to values")
        value = self.value.get(key)
        return None if value is None else self._within(key, value, self.value.lines[key])

    def at(self, *keys: str) -> Node | None:
        """What stands under keys within one another."""
        node: Node | None = self
        for key in keys:
            node = node.get(key) if node else None
        return node

    def needed(self, key: str) -> Node:
        """What stands under a key.

        Raises:
            SpecError: nothing does.
        """
        found = self.get(key)
        if found is None:
            raise SpecError(self, f"needs {key}")
        return found

    def items(self) -> Iterator[tuple[str, Node]]:
        """The keys of a mapping and what they hold; keys without a value are left out.

        Raises:
            SpecError: this is no mapping.
        """
        if not isinstance(self.value, Mapping):
            raise SpecError(self, "must be a mapping of keys to values")
        for key, value in self.value.items():
            if value is not None:
                yield key, self._within(key, value, self.value.lines[key])

    def entries(self) -> list[Node]:
        """The items of a list.

        Raises:
            SpecError: this is no list.
        """
        if not isinstance(self.value, Sequence):
            raise SpecError(self, "must be a list")
        return [
            self._within(index, value, line)
            for index, (value, line) in enumerate(zip(self.value, self.value.lines, strict=True))
        ]

    def _within(self, key: str | int, value: object, line: int) -> Node:
        return Node(value, self.place._replace(path=(*self.place.path, key)), line)

    @property
    def text(self) -> str:
        """A scalar, as it is written.

        Raises:
            SpecError: this is none, or it is empty.
        """
        if not isinstance(self.value, str):
            raise SpecError(self, "must be text")
        if not self.value.strip():
            raise SpecError(self, "must not be empty")
        return self.value

    @property
    def number(self) -> Decimal:
        """A finite number.

        Raises:
            SpecError: it is none.
        """
        try:
            number = Decimal(self.text)
        except InvalidOperation as error:
            raise SpecError(self, "must be a number") from error
        if not number.is_finite() or abs(number) > _MOST:
            raise SpecError(self, "must be a number that is not infinite")
        return number

    @property
    def percent(self) -> object:
        """A number as our configuration has percentages (99.9), whatever YAML's spelling (9.99e1).

        What is no number stays as it is: what is wrong with it is said where it is checked.
        """
        try:
            return f"{self.number:f}"
        except SpecError:
            return self.value

    @property
    def truth(self) -> bool:
        """Whether it is true.

        Raises:
            SpecError: it is neither true nor false.
        """
        if isinstance(self.value, str) and self.value in _TRUTHS:
            return _TRUTHS[self.value]
        raise SpecError(self, "must be true or false")


_MOST = Decimal("1e15")
"""Beyond it, nothing in a spec means anything."""

_TRUTHS = {"true": True, "True": True, "TRUE": True, "yes": True, "on": True}
_TRUTHS |= {"false": False, "False": False, "FALSE": False, "no": False, "off": False}


class SpecError(ConfigurationError):
    """A spec that cannot be taken over: what is wrong, and where."""

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.remark = Remark(node, message, is_mistake=True)


@dataclass(frozen=True, slots=True)
class Remark:
    """What is said about a place of a spec: what is left out and what that changes.

    A mistake refuses the spec. What is said `once` is not said again of the same file.
    """

    node: Node
    message: str
    is_mistake: bool = False
    once: bool = False


@dataclass(slots=True)
class Remarks:
    """What was said while a document was translated."""

    all: list[Remark] = field(default_factory=list)

    def say(self, node: Node, message: str, *, once: bool = False) -> None:
        """Warn of a difference; `once`: a single time for a file."""
        self.all.append(Remark(node, message, once=once))

    def refuse(self, node: Node, message: str) -> None:
        """Note a mistake, and go on."""
        self.all.append(Remark(node, message, is_mistake=True))


class Section(Mapping):
    """A section of our configuration in the making; its values know where they come from."""

    def set(self, key: str, value: object, node: Node) -> Section:
        """Set a value that comes from a node."""
        self.put(key, value, node.line, node.place)
        return self

    def take(self, key: str, node: Node | None) -> Section:
        """Set a value as the node has it, if there is one."""
        if node is not None:
            self.set(key, node.value, node)
        return self

    def take_words(self, key: str, node: Node | None) -> Section:
        """Set text for people as the node has it, if it says anything."""
        if node is not None and isinstance(node.value, str) and not node.value.strip():
            return self
        return self.take(key, node)


def listed(nodes: list[tuple[object, Node]]) -> Sequence:
    """A list of values that come from nodes."""
    sequence = Sequence()
    for value, node in nodes:
        sequence.add(value, node.line, node.place)
    return sequence
