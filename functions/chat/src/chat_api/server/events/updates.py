"""Updates that the SDK does not apply to the items it keeps: those of widgets and images."""

from collections.abc import Callable
from typing import Any

from chatkit.types import (
    GeneratedImageItem,
    GeneratedImageUpdated,
    ThreadItem,
    ThreadItemUpdate,
    WidgetComponentUpdated,
    WidgetItem,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
)
from chatkit.widgets import WidgetRoot
from pydantic import TypeAdapter

type Component = dict[str, Any]

_ROOT: TypeAdapter[WidgetRoot] = TypeAdapter(WidgetRoot)


def updated(item: ThreadItem, update: ThreadItemUpdate) -> ThreadItem:
    """The item after the update; the same one where the update is none of these, or names a component it has not."""
    match item, update:
        case WidgetItem(), WidgetRootUpdated(widget=root):
            return item.model_copy(update={"widget": root})
        case WidgetItem(), WidgetComponentUpdated():
            component = update.component.model_dump(mode="json", by_alias=True, exclude_none=True)
            return _with_component(item, update.component_id, lambda _: component)
        case WidgetItem(), WidgetStreamingTextValueDelta():
            return _with_component(item, update.component_id, lambda known: _longer(known, update))
        case GeneratedImageItem(), GeneratedImageUpdated(image=image):
            return item.model_copy(update={"image": image})
    return item


def _longer(component: Component, update: WidgetStreamingTextValueDelta) -> Component:
    """A text with what was added, which says itself whether more is to come."""
    return {**component, "value": component.get("value", "") + update.delta, "streaming": not update.done}


def at_rest(item: WidgetItem) -> WidgetItem:
    """The widget with texts to which nothing is added any more."""
    return _changed(item, _is_streamed, lambda text: {**text, "streaming": False})


def _is_streamed(node: Component) -> bool:
    # Actions have a property of that name too, which means something else.
    return node.get("type") in {"Text", "Markdown"} and "streaming" in node


def _with_component(item: WidgetItem, component_id: str, change: Callable[[Component], Component]) -> WidgetItem:
    return _changed(item, lambda node: node.get("id") == component_id, change)


def _changed(
    item: WidgetItem, is_meant: Callable[[Component], bool], change: Callable[[Component], Component]
) -> WidgetItem:
    def changed(node: Any) -> Any:
        match node:
            case dict() if is_meant(node):
                return change(node)
            case dict():
                return {name: changed(value) for name, value in node.items()}
            case list():
                return [changed(element) for element in node]
        return node

    tree = item.widget.model_dump(mode="json", by_alias=True, exclude_none=True)
    return item.model_copy(update={"widget": _ROOT.validate_python(changed(tree))})
