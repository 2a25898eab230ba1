"""Hypothesis strategies for the SDK's own models, made from their fields: what the SDK adds is covered or fails."""

import types
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from chatkit.types import Attachment, ThreadItem, ThreadMetadata, WidgetItem
from chatkit.widgets import DynamicWidgetRoot
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import AnyUrl, BaseModel

text = st.text(max_size=20)
"""Any text that UTF-8 can hold; Hypothesis leaves out half surrogate pairs by itself when asked for UTF-8."""

json_values: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(text, children, max_size=3),
    max_leaves=6,
)

_components: SearchStrategy[dict[str, Any]] = st.recursive(
    st.fixed_dictionaries({"type": st.sampled_from(["Text", "Icon", "New"]), "value": text, "added": json_values}),
    lambda children: st.fixed_dictionaries({"type": st.just("Row"), "children": st.lists(children, max_size=3)}),
    max_leaves=4,
)
_widgets = st.builds(
    lambda root, children: DynamicWidgetRoot.model_validate({"type": root, "children": children}),
    st.sampled_from(["Card", "ListView"]),
    st.lists(_components, max_size=3),
)


def item_types() -> tuple[type[BaseModel], ...]:
    """Every class of the SDK's union of items."""
    members: tuple[type[BaseModel], ...] = get_args(get_args(ThreadItem)[0])
    return members


def instances(model: type[BaseModel], **fixed: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Instances of a model of the SDK, some fields drawn from `fixed`; fields with a default are left out at times."""
    model.model_rebuild()  # the SDK's models name each other before they are defined
    required: dict[str, SearchStrategy[Any]] = {}
    optional: dict[str, SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        chosen = fixed.get(name, _values(field.annotation))
        (required if field.is_required() or name in fixed else optional)[name] = chosen
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: model(**fields))


def threads(**fixed: SearchStrategy[Any]) -> SearchStrategy[ThreadMetadata]:
    """Threads of any status."""
    return instances(ThreadMetadata, **fixed)


def items(**fixed: SearchStrategy[Any]) -> SearchStrategy[ThreadItem]:
    """Items of every type."""
    return st.one_of([item_instances(model, **fixed) for model in item_types()])


def item_instances(model: type[BaseModel], **fixed: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Items of one type; a widget has properties that no strict widget knows."""
    return instances(model, **({"widget": _widgets} if model is WidgetItem else {}), **fixed)


def attachments(**fixed: SearchStrategy[Any]) -> SearchStrategy[Attachment]:
    """Files and images."""
    return st.one_of([instances(model, **fixed) for model in get_args(get_args(Attachment)[0])])


def _values(annotation: Any) -> SearchStrategy[Any]:
    """Values of the type that a field is annotated with."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return st.deferred(lambda: instances(annotation))
    return _GENERICS[origin](*arguments) if origin in _GENERICS else _LEAVES[annotation]


def _annotated(annotation: Any, *metadata: Any) -> SearchStrategy[Any]:
    patterns = [note.pattern for note in metadata if getattr(note, "pattern", None)]
    return st.from_regex(patterns[0]) if patterns else _values(annotation)


def _one_of(*annotations: Any) -> SearchStrategy[Any]:
    return st.one_of([_values(annotation) for annotation in annotations])


_GENERICS: dict[Any, Callable[..., SearchStrategy[Any]]] = {
    Annotated: _annotated,
    Literal: lambda *values: st.sampled_from(values),
    Union: _one_of,
    types.UnionType: _one_of,
    list: lambda of: st.lists(_values(of), max_size=3),
    dict: lambda names, values: st.dictionaries(_values(names), _values(values), max_size=3),
}
_LEAVES: dict[Any, SearchStrategy[Any]] = {
    Any: json_values,
    AnyUrl: st.just(AnyUrl("https://example.com/a?b=%20c")),
    bool: st.booleans(),
    datetime: st.datetimes(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    int: st.integers(-(2**53), 2**53),
    str: text,
    type(None): st.none(),
}
