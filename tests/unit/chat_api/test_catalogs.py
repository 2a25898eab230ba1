"""Every text that is marked is in every catalog, translated; the compiled catalogs are those of now."""

import ast
import inspect
import re
from io import BytesIO
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from chatkit.errors import CustomStreamError

import chat_api
from chat_api.texts import ERRORS_OF_THE_LAYER, LOCALES, say
from chatkit_aws import errors

PACKAGE = Path(chat_api.__file__).parent
CATALOGS = LOCALES[1:]


def catalog_file(locale: str, suffix: str) -> Path:
    return PACKAGE / "locales" / locale.replace("-", "_") / "LC_MESSAGES" / f"chat{suffix}"


def catalog(locale: str) -> Catalog:
    with catalog_file(locale, ".po").open("rb") as file:
        return read_po(file, locale=locale.replace("-", "_"), abort_invalid=True)


def translations(locale: str) -> dict[str, str]:
    return strings(catalog(locale))


def strings(catalog: Catalog) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalog if message.id}


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{.*?\}", text))


@pytest.fixture(scope="module")
def marked() -> set[str]:
    found = extract_from_dir(PACKAGE, method_map=[("**.py", "python")], keywords={"mark": None})
    return {message for _, _, message, _, _ in found if isinstance(message, str)}


def test_text_is_marked_where_it_is_a_literal() -> None:
    for module in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "mark":
                assert [type(argument) for argument in node.args] == [ast.Constant], f"{module.name}:{node.lineno}"


def test_languages_are_english_and_those_with_a_catalog() -> None:
    folders = sorted(path.parents[1].name.replace("_", "-") for path in PACKAGE.glob("locales/*/*/chat.po"))

    assert ("en", *folders) == LOCALES
    assert len(LOCALES) >= 6


@pytest.mark.parametrize("locale", CATALOGS)
def test_catalog_has_every_marked_text_and_no_other(locale: str, marked: set[str]) -> None:
    found = catalog(locale)

    assert strings(found).keys() == marked, "run `make texts`"
    assert not found.obsolete, "run `make texts`"


@pytest.mark.parametrize("locale", CATALOGS)
def test_every_text_is_translated_for_good(locale: str) -> None:
    found = catalog(locale)

    assert [text for text, translation in strings(found).items() if not translation.strip()] == []
    assert [message.id for message in found if message.fuzzy] == []
    assert [str(error) for _, errors in found.check() for error in errors] == []


@pytest.mark.parametrize("locale", CATALOGS)
def test_translation_has_the_placeholders_of_the_text(locale: str) -> None:
    for text, translation in translations(locale).items():
        assert placeholders(translation or text) == placeholders(text)


@pytest.mark.parametrize("locale", CATALOGS)
def test_value_is_isolated_where_the_text_runs_from_right_to_left(locale: str) -> None:
    # Unicode TR 9, 2.4.2: without FSI and PDI an id may be shown in another order.
    if Locale.parse(locale, sep="-").text_direction == "rtl":
        for translation in translations(locale).values():
            assert translation.count("{") == len(re.findall("\u2068{[a-z_]+}\u2069", translation))


@pytest.mark.parametrize("locale", CATALOGS)
def test_compiled_catalog_is_that_of_now(locale: str) -> None:
    compiled = BytesIO()
    write_mo(compiled, catalog(locale))
    compiled.seek(0)

    with catalog_file(locale, ".mo").open("rb") as committed:
        assert strings(read_mo(committed)) == strings(read_mo(compiled)), "run `make texts`"


@pytest.mark.parametrize("locale", CATALOGS)
def test_text_is_said_as_the_catalog_has_it(locale: str) -> None:
    for text, translation in translations(locale).items():
        assert say(locale, text) == (translation or text)


def test_errors_of_the_layer_are_those_that_users_are_told() -> None:
    told = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.ChatKitAwsError)]
    messages = [
        errors.ThreadNotFound("thr_1").message,
        errors.AlreadyAnswered().message,
        errors.LeaseLost().message,
    ]

    assert len([kind for kind in told if issubclass(kind, CustomStreamError)]) == len(messages)
    assert set(messages) == set(ERRORS_OF_THE_LAYER)
