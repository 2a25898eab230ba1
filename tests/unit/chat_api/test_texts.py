"""A text is said in the language that was asked for, with its values, whatever these hold."""

import os
import re
import subprocess
import sys
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from chat_api import quotas, texts
from chat_api.texts import LOCALES, say
from chatkit_aws.locale import negotiate
from chatkit_aws.usage import Level, QuotaReached

REFERENCE = "Reference: {request_id}"


@pytest.mark.parametrize("locale", ["en", "xx", "", "de_DE", "../de"])
def test_text_is_said_as_it_is_where_there_is_no_catalog(locale: str) -> None:
    assert say(locale, "The answer was stopped.") == "The answer was stopped."


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "text", ["", "A reason of an administrator's.", "{", "{}", "{0}", "{a.b} {c[0]} {d!r:>{e}} 100 %"]
)
def test_text_that_no_catalog_knows_is_said_as_it_is(locale: str, text: str) -> None:
    assert say(locale, text) == text


@pytest.mark.parametrize("value", ["{request_id}", "{text}", "%s %(a)s", "\\1\\g<0>", "{0.__class__}", "", 7])
def test_value_is_put_in_as_it_is(value: object) -> None:
    assert say("de", REFERENCE, request_id=value) == f"Referenz: {value}"
    assert say("en", REFERENCE, request_id=value) == f"Reference: {value}"


def test_name_of_a_value_may_be_any() -> None:
    assert say("en", "{locale} {text}", locale="a", text="b") == "a b"


def test_name_without_a_value_stays() -> None:
    assert say("en", REFERENCE) == REFERENCE
    assert say("en", REFERENCE, other=1) == REFERENCE


@pytest.mark.parametrize(
    "wrong", ["Ref: {id}", "Ref", "Ref: {request_id} {b}", "Ref: {request id}", "Ref: {0}", "Ref {"]
)
def test_translation_with_other_placeholders_is_not_used(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    file, made = BytesIO(), Catalog(locale="it")
    made.add(REFERENCE, wrong)
    write_mo(file, made)
    file.seek(0)
    monkeypatch.setitem(texts._CATALOGS, "it", GNUTranslations(file))

    assert say("it", REFERENCE, request_id="1") == "Reference: 1"


def test_neither_environment_nor_folder_decides_on_the_language(tmp_path: Path) -> None:
    program = "from chat_api.texts import say; print(*(ascii(say(l, 'A tool failed.')) for l in ('en', 'de', 'pt')))"
    french = dict.fromkeys(("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"), "fr_FR.UTF-8")

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, **french},
        capture_output=True,
        text=True,
        check=True,
    )

    failed = "'A tool failed.'"
    assert done.stdout.strip() == f"{failed} 'Bei einem Werkzeug ist ein Fehler aufgetreten.' {failed}"


@pytest.mark.parametrize(
    ("header", "locale"),
    [("de-AT", "de"), ("pt, es;q=0.5", "es"), ("pt", "en"), ("ja-JP", "ja"), ("ar-EG,en;q=0.9", "ar"), (None, "en")],
)
def test_header_gives_one_of_the_languages(header: str | None, locale: str) -> None:
    assert negotiate(header, LOCALES, LOCALES[0]) == locale


def test_quota_is_told_in_the_language_of_the_user() -> None:
    assert quotas.reached(QuotaReached("tokens_day", 0), "fr").startswith("Vous avez atteint la limite")
    assert (
        quotas.near(Level("tokens_day", 1_909, 2_000, 0), "de")
        == "Sie haben 95\xa0% Ihres Limits für heute verbraucht."
    )


def test_figures_of_a_tenant_are_not_told() -> None:
    for locale in LOCALES:
        assert not re.search("[0-9]", quotas.near(Level("tokens_month", 1_909, 2_000, 0), locale))
