"""What the model is told before anything else: `instructions.md`, and the language of the user's page.

Nothing that users, files or tools say is ever a part of it. There is one text for each language, the same in every turn
and for every user, so that a provider's cache of it stays of use.
"""

from collections.abc import Callable
from importlib.resources import files

from agents import Agent, RunContextWrapper
from chatkit.agents import AgentContext

from chat_api.texts import LOCALES
from chatkit_aws.context import RequestContext

type Instructions = Callable[
    [RunContextWrapper[AgentContext[RequestContext]], Agent[AgentContext[RequestContext]]], str
]

_LANGUAGE = """\

The user's page is in the language with the tag {locale}. Use it where the user's last message is in no language.
"""


def load_instructions() -> Instructions:
    """Those of `instructions.md`."""
    return in_language(files(__package__).joinpath("instructions.md").read_text(encoding="utf-8"))


def in_language(text: str) -> Instructions:
    """Instructions that end with the user's language: one of those that the application speaks, whatever was asked for.

    Each agent to which another hands off needs its own.
    """
    variants = {locale: text.rstrip() + "\n" + _LANGUAGE.format(locale=locale) for locale in LOCALES}

    def instructions(
        run: RunContextWrapper[AgentContext[RequestContext]], _agent: Agent[AgentContext[RequestContext]]
    ) -> str:
        return variants.get(run.context.request_context.locale, variants[LOCALES[0]])

    return instructions
