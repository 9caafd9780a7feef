"""Objects as pywin32 hands them over: members by name, calls recorded and refused on demand.

As with pywin32's late binding, a property without required arguments is read at once; what is
called then is its result's default member. So ``range.Offset(1, 0)`` is *not* the cell below (it
is ``range.Offset.Item(1, 0)``), while ``range.GetOffset(1, 0)`` is; pywin32 answers ``Get`` before
a property's name (``win32com/client/dynamic.py``, ``_LazyAddAttr_``).
"""

import inspect
from collections.abc import Callable, Iterator
from types import MethodType, SimpleNamespace
from typing import Any, ClassVar, NamedTuple, Never

from .errors import (
    ComError,
    bad_arguments,
    bad_index,
    call_rejected,
    cell_is_edited,
    unknown_name,
)

MISSING: Any = None
"""An argument that was left out; None and pythoncom.Missing are taken for it, too."""


class Call(NamedTuple):
    """A method's call or a property's setting.

    Attributes:
        path: The object, such as ``Worksheets('Lanes').Range('A2:C9')``.
        member: Its method or property.
        arguments: Positional arguments as given; of named ones (name, value).
        is_set: Whether a property was set.
    """

    path: str
    member: str
    arguments: tuple[Any, ...]
    is_set: bool


class Recorder:
    """All calls and property settings in order, and what is to go wrong with them.

    Attributes:
        calls: What was called and set so far, refused calls included.
        busy: How many of the next accesses are rejected; -1 for all.
        lost_names: Whether a busy Excel shows as an unknown member, as pywin32 often has it.
        editing: Whether a cell is being edited, so that no property can be set.
        failures: Errors by the number, from 0, of the call that they are for.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.busy = 0
        self.lost_names = False
        self.editing = False
        self.failures: dict[int, BaseException] = {}

    def pass_or_refuse(self) -> None:
        """Raise if Excel is busy."""
        if self.busy:
            self.busy -= self.busy > 0
            raise call_rejected()

    def record(self, call: Call) -> None:
        """Keep a call, and raise if it is to fail."""
        number = len(self.calls)
        self.calls.append(call)
        self.pass_or_refuse()
        if call.is_set and self.editing:
            raise cell_is_edited()
        if number in self.failures:
            raise self.failures[number]


class Member:
    """A property or method of a COM class, as a descriptor."""

    def __init__(self, function: Callable[..., Any], *, is_method: bool, recorded: bool) -> None:
        self.function = function
        self.is_method = is_method
        self.recorded = recorded
        self.name = function.__name__
        self._signature = inspect.signature(function) if is_method else None

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self
        if self.is_method:
            return MethodType(self._call, owner)
        owner._recorder.pass_or_refuse()
        return self._run(self.function, owner)

    def __set__(self, owner: Any, value: Any) -> None:
        owner._recorder.record(Call(owner._path, self.name, (value,), True))
        setter = getattr(type(owner), f"_set_{self.name}", None)
        if setter is None:
            raise AttributeError(f"Property '{owner._type_name}.{self.name}' can not be set.")
        self._run(setter, owner, bare(value))

    def _call(self, owner: Any, *arguments: Any, **named: Any) -> Any:
        if self.recorded:
            owner._recorder.record(
                Call(owner._path, self.name, (*arguments, *named.items()), False)
            )
        else:
            owner._recorder.pass_or_refuse()
        arguments = tuple(bare(one) for one in arguments)
        named = {name: bare(one) for name, one in named.items()}
        try:
            assert self._signature is not None
            self._signature.bind(owner, *arguments, **named)
        except TypeError:
            raise bad_arguments() from None
        return self._run(self.function, owner, *arguments, **named)

    def _run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except AttributeError as error:
            # xlwings would take it for a busy Excel and try for ever.
            raise AssertionError(f"the fake Excel lacks something: {error}") from error


def prop(function: Callable[..., Any]) -> Any:
    """Make a property; a method ``_set_`` and its name makes it settable."""
    return Member(function, is_method=False, recorded=False)


def method(function: Callable[..., Any]) -> Any:
    """Make a method, whose calls are recorded."""
    return Member(function, is_method=True, recorded=True)


def lookup(function: Callable[..., Any]) -> Any:
    """Make a method that only finds something, and is not recorded."""
    return Member(function, is_method=True, recorded=False)


class _Oleobj:
    """The raw object below a wrapper; xlwings asks its type, and if a member is there."""

    def __init__(self, owner: "ComObject") -> None:
        self.owner = owner

    def GetIDsOfNames(self, _locale: int, name: str) -> int:
        if self.owner._recorder.busy:
            self.owner._recorder.pass_or_refuse()
        if name.lower() not in self.owner._members:
            raise unknown_name()
        return 1

    def GetTypeInfo(self) -> "_Oleobj":
        return self

    def GetTypeAttr(self) -> SimpleNamespace:
        return SimpleNamespace(iid=self.owner._iid)


def bare(value: Any) -> Any:
    """Return an argument without what xlwings wraps round it."""
    raw = getattr(value, "_oleobj_", None)
    if isinstance(raw, _Oleobj):
        return raw.owner
    if type(value).__name__ in {"Missing", "Empty"} or getattr(value, "__name__", "") in {
        "Missing",
        "Empty",
    }:
        return MISSING
    return value


class ComObject:
    """An object of Excel, in place of pywin32's ``CDispatch``.

    Args:
        core: What all objects of one Excel share: settings, workbooks and the recorder.
    """

    _members: ClassVar[dict[str, Member]] = {}
    _classes: ClassVar[dict[str, type["ComObject"]]] = {}
    _type_name: ClassVar[str] = "<unknown>"
    _iid: ClassVar[str] = "{00020400-0000-0000-C000-000000000046}"
    _default: ClassVar[str] = "Item"

    def __init_subclass__(cls) -> None:
        found = [vars(base) for base in reversed(cls.__mro__)]
        cls._members = {
            name.lower(): one
            for names in found
            for name, one in names.items()
            if isinstance(one, Member)
        }
        cls._type_name = cls.__name__
        ComObject._classes[cls.__name__] = cls

    def __init__(self, core: Any) -> None:
        self._core = core
        self._recorder: Recorder = core.recorder

    @classmethod
    def _add_property(
        cls, name: str, getter: Callable[[Any], Any], setter: Callable[[Any, Any], None]
    ) -> None:
        """Give the class one more property."""
        getter.__name__ = name
        made = Member(getter, is_method=False, recorded=False)
        setattr(cls, name, made)
        setattr(cls, f"_set_{name}", setter)
        cls._members[name.lower()] = made

    @property
    def _oleobj_(self) -> _Oleobj:
        return _Oleobj(self)

    @property
    def _path(self) -> str:
        return self._type_name

    def _make(self, name: str, *arguments: Any) -> Any:
        """Return an object of another class, by its name, lest modules import each other."""
        return ComObject._classes[name](self._core, *arguments)

    def __getattr__(self, name: str) -> Any:
        found = type(self)._members.get(name.lower())
        if found is None or name.startswith("_"):
            raise AttributeError(f"{self._type_name}.{name}")
        return found.__get__(self)

    def __getattribute__(self, name: str) -> Any:
        if name[0] != "_":
            recorder = object.__getattribute__(self, "_recorder")
            if recorder.busy and recorder.lost_names:
                raise AttributeError(name)
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
            return
        found = type(self)._members.get(name.lower())
        if found is None:
            raise AttributeError(f"Property '{self._type_name}.{name}' can not be set.")
        found.__set__(self, value)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        found = type(self)._members.get(self._default.lower())
        if found is None:
            raise ComError(-2147352573, "Member not found.")
        if found.is_method:
            return found.__get__(self)(*arguments, **named)
        return found.__get__(self)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("This object does not support enumeration")

    def __repr__(self) -> str:
        return f"<COMObject {self._path}>"

    @prop
    def Application(self) -> Any:
        return self._core.application

    @prop
    def Creator(self) -> int:
        return 1480803660


class Collection(ComObject):
    """Objects by number or name; subclasses say which and how they are called."""

    def _all(self) -> list[Any]:
        raise NotImplementedError

    def _name_of(self, one: Any) -> str:
        return str(one._path)

    def _found(self, index: Any) -> Any:
        """Return the one with a number from 1, or a name in any case."""
        everything = self._all()
        if isinstance(index, bool) or index is None:
            raise bad_index()
        if isinstance(index, int | float):
            if not 1 <= int(index) <= len(everything):
                raise bad_index()
            return everything[int(index) - 1]
        if not isinstance(index, str):
            raise bad_index()
        for one in everything:
            if self._name_of(one).casefold() == index.casefold():
                return one
        raise bad_index()

    @lookup
    def Item(self, Index: Any) -> Any:
        return self._found(Index)

    @prop
    def Count(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Any]:
        self._recorder.pass_or_refuse()
        return iter(self._all())


class _Kept(Member):
    """A property that its object, a `Keeper`, keeps as it was set."""

    def __init__(self, name: str, default: Any, check: Callable[[Any], Any] | None) -> None:
        def read(owner: Any) -> Any:
            return owner._kept.get(name, default)

        super().__init__(read, is_method=False, recorded=False)
        self.name = name
        self._check = check

    def __set__(self, owner: Any, value: Any) -> None:
        owner._recorder.record(Call(owner._path, self.name, (value,), True))
        owner._changing()
        value = bare(value)
        owner._kept[self.name] = self._check(value) if self._check else value


def stored(name: str, default: Any = None, check: Callable[[Any], Any] | None = None) -> Any:
    """Make a property that keeps what it was set to.

    Args:
        name: Its name.
        default: What it is until then.
        check: Returns what is kept of a value, or raises.
    """
    return _Kept(name, default, check)


class Keeper(ComObject):
    """An object whose properties are kept as they are set, in a dictionary of the model.

    Args:
        core: What all objects share.
        kept: Where properties are kept.
        path: What the object is called in the record.
        changing: Raises if it must not be changed now.
    """

    def __init__(
        self,
        core: Any,
        kept: dict[str, Any],
        path: str,
        changing: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(core)
        self._kept = kept
        self._own_path = path
        self._changing = changing

    @property
    def _path(self) -> str:
        return self._own_path

    def _part(self, name: str, kind: str) -> Any:
        """Return an object within this one."""
        kept = self._kept.setdefault(name, {})
        return self._make(kind, kept, f"{self._own_path}.{name}", self._changing)


def part(name: str, kind: str) -> Any:
    """Make a property that is an object within a `Keeper`."""

    def getter(self: Any) -> Any:
        return self._part(name, kind)

    getter.__name__ = name
    return Member(getter, is_method=False, recorded=False)


def not_modelled(what: str) -> Never:
    """Refuse what the fake does not know, loudly."""
    raise NotImplementedError(f"the fake Excel does not model {what}")
