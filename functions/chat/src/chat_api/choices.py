"""What users may choose in ChatKit's composer: the only models and tools that a request can name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents import ModelSettings
from chatkit.icons import IconName
from chatkit.types import InferenceOptions

from chat_api import problems
from chat_api.texts import mark, say

_NO_MODEL = mark("This model is not offered here.")
_NO_TOOL = mark("This tool is not offered here.")
_NOT_WITH_IT = mark("This tool is not offered with this model. Please choose another model.")
_WITHOUT = mark("without: {tools}")


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """A model to choose. `label` and `description` are marked texts.

    `model` is its provider's name for it, as `ModelName` is written; empty for that of `ModelName`. `settings` take the
    place of the agent's, where they say something.
    """

    id: str
    label: str
    description: str = ""
    model: str = ""
    settings: ModelSettings = field(default_factory=ModelSettings)
    default: bool = False
    """Whether it is selected at first; the server's own default is `ModelName`."""


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A tool to choose: `tool` is the name of the agent's function that is then called first. Texts are marked ones.

    `pinned` shows it outside of the menu, `persistent` keeps it chosen after a message.
    """

    id: str
    label: str
    icon: IconName
    tool: str
    short_label: str = ""
    placeholder: str = ""
    pinned: bool = False
    persistent: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """All that is offered. Raises ValueError where an id is there twice."""

    models: tuple[ModelOffer, ...] = ()
    tools: tuple[ToolOffer, ...] = ()
    apart: frozenset[tuple[str | None, str]] = frozenset()
    """Which tool is not there with which model, by their ids; the first is None where no model was chosen."""

    def __post_init__(self) -> None:
        for offers in (self.models, self.tools):
            ids = [offer.id for offer in offers]
            if len(set(ids)) < len(ids):
                message = f"choices: an id is there twice among {', '.join(ids)}"
                raise ValueError(message)

    def model(self, chosen: InferenceOptions) -> ModelOffer | None:
        """The chosen model; None where none was chosen, or is not offered any more."""
        return next((offer for offer in self.models if offer.id == chosen.model), None)

    def tool(self, chosen: InferenceOptions) -> ToolOffer | None:
        """The chosen tool, likewise, and None where it is not there with the chosen model."""
        wanted, model = chosen.tool_choice and chosen.tool_choice.id, self.model(chosen)
        found = next((offer for offer in self.tools if offer.id == wanted), None)
        return None if found and (model and model.id, found.id) in self.apart else found

    def check(self, chosen: InferenceOptions, locale: str) -> None:
        """Raises `Problem` 422, in the caller's language, for a model or tool that is not offered."""
        if chosen.model is not None and self.model(chosen) is None:
            raise _refusal("model", say(locale, _NO_MODEL))
        if chosen.tool_choice is not None and self.tool(chosen) is None:
            is_there = any(offer.id == chosen.tool_choice.id for offer in self.tools)
            raise _refusal("tool_choice.id", say(locale, _NOT_WITH_IT if is_there else _NO_TOOL))

    def shown(self, locale: str) -> dict[str, list[dict[str, Any]]]:
        """What ChatKit.js takes as `composer.models` and `composer.tools`, in a language."""
        return {
            "models": [_model_option(offer, self._lacking(offer), locale) for offer in self.models],
            "tools": [_tool_option(offer, locale) for offer in self.tools],
        }

    def _lacking(self, model: ModelOffer) -> list[ToolOffer]:
        return [tool for tool in self.tools if (model.id, tool.id) in self.apart]


def _refusal(name: str, detail: str) -> problems.Problem:
    return problems.invalid(detail, ({"field": f"params.input.inference_options.{name}", "message": detail},))


def _model_option(offer: ModelOffer, lacking: list[ToolOffer], locale: str) -> dict[str, Any]:
    option = {"id": offer.id, **_said({"label": offer.label, "description": offer.description}, locale)}
    if lacking:
        without = say(locale, _WITHOUT, tools=", ".join(say(locale, tool.label) for tool in lacking))
        option["description"] = " · ".join(filter(None, (option.get("description"), without)))
    return {**option, "default": offer.default}


def _tool_option(offer: ToolOffer, locale: str) -> dict[str, Any]:
    texts = {"label": offer.label, "shortLabel": offer.short_label, "placeholderOverride": offer.placeholder}
    flags = {"pinned": offer.pinned, "persistent": offer.persistent}
    return {"id": offer.id, "icon": offer.icon, **_said(texts, locale), **flags}


def _said(texts: Mapping[str, str], locale: str) -> dict[str, str]:
    return {name: say(locale, text) for name, text in texts.items() if text}
