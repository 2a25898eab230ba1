"""What users read, in their language: a gettext catalog for each language but English, in which the code is written.

`docs/languages.md` says how a text or a language is added.
"""

import re
from gettext import GNUTranslations
from importlib.resources import files

_SOURCE = "en"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def mark(text: str) -> str:
    """The same text, which `make texts` finds by this call and puts into the catalogs; it must be a literal."""
    return text


def say(locale: str, text: str, /, **values: object) -> str:
    """The text in a language, as it is where there is no translation, with `{name}` replaced by the value of that name.

    Values are put in as they are, whatever they hold. Nothing of a text can fail: a translation with other names than
    the text's is not used, and a name without a value stays.
    """
    translation = _translated(locale, text)
    if _names(translation) != _names(text):
        translation = text
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), translation)


def _translated(locale: str, text: str) -> str:
    # The empty text is the catalog's own header.
    return _CATALOGS[locale].gettext(text) if text and locale in _CATALOGS else text


def _names(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def _load() -> dict[str, GNUTranslations]:
    """The compiled catalogs by language tag, in order; gettext names their folders `pt_BR` where the tag is `pt-BR`.

    They are opened here and not by `gettext.translation`, which would look at LANGUAGE and the like.
    """
    catalogs: dict[str, GNUTranslations] = {}
    for folder in sorted(files(__package__).joinpath("locales").iterdir(), key=lambda folder: folder.name):
        catalog = folder.joinpath("LC_MESSAGES", "chat.mo")
        if catalog.is_file():
            with catalog.open("rb") as file:
                catalogs[folder.name.replace("_", "-")] = GNUTranslations(file)
    return catalogs


_CATALOGS = _load()

LOCALES: tuple[str, ...] = (_SOURCE, *_CATALOGS)
"""The languages that the application speaks, as BCP 47 tags: English, the default, and those that have a catalog."""

ERRORS_OF_THE_LAYER = (
    mark("This conversation is no longer there."),
    mark("This was already answered."),
    mark("This answer was interrupted by another one."),
)
"""What `chatkit_aws.errors` tells users: in English, as the layer has no catalogs, and translated when it is sent."""
