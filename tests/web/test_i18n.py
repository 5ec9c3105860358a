"""Texts of the page: complete in both languages, used by the page, and a translation for every error of the server."""

import re
from pathlib import Path

import pytest

from pixelcnn.errors import InputError, Message
from pixelcnn.models import MODELS
from scripts.list_error_codes import calls, codes, leading_strings
from web.i18n import TEXTS, format_pattern, translate

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "web" / "static"
SOURCES = {path.relative_to(STATIC).as_posix(): path.read_text("utf-8") for path in STATIC.rglob("*.*")}
ENGLISH, KOREAN = TEXTS["en"], TEXTS["ko"]
OF_SERVER = {key for key in KOREAN if key.startswith(("error.", "message."))}
NAMESPACES = {key.split(".")[0] for key in ENGLISH if "." in key}
PARAMETER = r"\{(\w+)(?=\}|, plural)"
# What visitors of the page can cause. Other errors reach command lines only.
VISIBLE = ("pixelcnn/sampling/", "pixelcnn/serving/", "pixelcnn/masks.py", "web/")
EVERYWHERE_THE_SAME = {"title", "language", "examples.top_name", "share.png", "share.gif", "share.json", "server.cpu"}


def find_all(pattern: str) -> set[str]:
    return {found for text in SOURCES.values() for found in re.findall(pattern, text)}


def literal_keys() -> set[str]:
    """Keys in the page's sources: strings with a namespace, and keys without one in elements and calls."""
    namespaced = find_all(rf'["\'`]((?:{"|".join(NAMESPACES)})\.[a-z_.]+)["\'`]')
    plain = find_all(r'data-i18n(?:-label|-title)?="(\w+)"') | find_all(r'\bi18n(?:Label|Title)?: "(\w+)"')
    quiz = {
        f"quiz.{name}" for path, text in SOURCES.items() if "quiz" in path for name in re.findall(r'\.t\("(\w+)"', text)
    }
    return namespaced | plain | quiz | find_all(r'\bi18n\.t\("(\w+)"')


def key_patterns() -> list[str]:
    """Regular expressions of the keys that the page puts together, such as `player.${action}`."""
    templates = find_all(rf"`((?:{'|'.join(NAMESPACES)})\.[a-z_.]*\$\{{[^`]*)`")
    return [re.sub(r"\$\{[^}]*\}", r"\\w+", template) for template in templates]


def panels() -> set[str]:
    return set(re.findall(r"(\w+): start\w+", SOURCES["core/main.js"]))


def test_both_languages_have_the_same_keys():
    assert set(TEXTS) == {"en", "ko"} and set(ENGLISH) == set(KOREAN) - OF_SERVER


@pytest.mark.parametrize("key", ENGLISH)
def test_texts_of_a_key_have_the_same_parameters(key):
    for text in (ENGLISH[key], KOREAN[key]):
        assert text.strip() == text != ""
    assert set(re.findall(PARAMETER, ENGLISH[key])) == set(re.findall(PARAMETER, KOREAN[key]))


@pytest.mark.parametrize(("language", "key"), [(language, key) for language in TEXTS for key in TEXTS[language]])
def test_patterns_are_well_formed(language, key):
    """All arguments are replaced, for one and for many, and Korean does not distinguish them."""
    pattern = TEXTS[language][key]
    names = set(re.findall(PARAMETER, pattern))
    for value in (1, 7):
        text = format_pattern(pattern, dict.fromkeys(names, value))
        assert not re.search(r"[{}#]", text), text
        assert not names or str(value) in text or ("plural" in pattern and value == 1)
    if language == "ko":
        assert "one {" not in pattern


def test_korean_texts_are_in_korean():
    assert {key for key, text in KOREAN.items() if not re.search(r"[가-힣]", text)} <= EVERYWHERE_THE_SAME


def test_every_key_of_the_page_exists():
    assert literal_keys() | panels() <= set(ENGLISH)
    for pattern in key_patterns():
        if not pattern.startswith(("error", "message")):
            assert any(re.fullmatch(pattern, key) for key in ENGLISH), pattern


def test_every_key_is_used():
    used = literal_keys() | panels() | {f"model.{kind}" for kind in MODELS} | {"title"}
    patterns = key_patterns()
    unused = {key for key in ENGLISH if key not in used and not any(re.fullmatch(pattern, key) for pattern in patterns)}
    assert not unused


def test_every_model_has_a_name():
    assert {f"model.{kind}" for kind in MODELS} == {key for key in ENGLISH if key.startswith("model.")}


def test_every_step_of_the_tour_has_a_text_and_every_text_a_step():
    steps = SOURCES["tour/steps.js"]
    named = r'name: "(\w+)"|(?:panelStep|modelStep)\("(\w+)"|^  (draw)Step,$'
    found = set()
    for level in ("child", "student", "researcher"):
        body = re.search(rf"const {level.upper()} = \[(.*?)\n\];", steps, re.S)[1]
        names = [next(filter(None, groups)) for groups in re.findall(named, body, re.M)]
        assert 3 < len(names) <= 11 and len(set(names)) == len(names)
        found |= {f"tour.{level}.{name}" for name in names}
    assert found == {key for key in ENGLISH if key.startswith("tour.") and key.count(".") == 2}


# --- errors and messages of the server


def test_every_error_that_visitors_can_cause_has_a_korean_text():
    visible = {
        (kind, leading_strings(call)[0])
        for kind, base in (("error", "InputError"), ("message", "Message"))
        for path, _, call in calls(base)
        if path.relative_to(ROOT).as_posix().startswith(VISIBLE) and leading_strings(call)
    }
    assert len(visible) > 30
    assert {f"{kind}.{code}" for kind, code in visible} <= OF_SERVER


def test_every_message_has_a_korean_text():
    assert {f"message.{code.code}" for code in codes("Message")} <= OF_SERVER


def test_every_korean_text_has_a_code_with_the_same_parameters():
    known = {f"error.{code.code}": code for code in codes("InputError")}
    known |= {f"message.{code.code}": code for code in codes("Message")}
    for key in OF_SERVER:
        assert key in known, f"no code is called {key}"
        assert set(re.findall(PARAMETER, KOREAN[key])) == set(known[key].params), key


@pytest.mark.parametrize("base", ["InputError", "Message"])
def test_a_code_has_one_template(base):
    names = [code.code for code in codes(base)]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)


def test_errors_and_messages_are_translated_by_their_code():
    error = InputError("too_many_samples", "samples is {samples}, not {maximum}.", samples=70, maximum=64)
    assert "70장" in translate(error, "ko-KR") and "64장" in translate(error, "ko")
    message = Message("weights_file", "the weights of {file}", {"file": "x.safetensors"})
    assert translate(message, "ko") == "x.safetensors의 가중치"
    for language in ("en", "en-US", "", "xx"):
        assert translate(error, language) == str(error) and translate(message, language) == str(message)


def test_a_code_without_a_translation_stays_english():
    assert translate(InputError("no_such_code", "Something {what} else.", what="quite"), "ko") == "Something quite else."


CASES = [
    ("no arguments", {}, "no arguments"),
    ("{a} and {b}, {a}", {"a": 1, "b": "x"}, "1 and x, 1"),
    ("{a} and {missing}", {"a": 1}, "1 and {missing}"),
    ("{count, plural, one {# pixel} other {# pixels}}", {"count": 1}, "1 pixel"),
    ("{count, plural, one {# pixel} other {# pixels}}", {"count": 0}, "0 pixels"),
    ("{count, plural, one {# pixel} other {# pixels}} of {all}", {"count": 12, "all": 30}, "12 pixels of 30"),
    ("{count, plural, one {a {color} pixel} other {# {color} pixels}}", {"count": 1, "color": "blue"}, "a blue pixel"),
    ("{count, plural, one {a {color} pixel} other {# {color} pixels}}", {"count": 2, "color": "blue"}, "2 blue pixels"),
    ("{count, plural, other {# pixels}}", {"count": 1}, "1 pixels"),
    ("{count, plural, =0 {none} one {# pixel} other {# pixels}}", {"count": 0}, "none"),
    ("{a}", {"a": "{b}", "b": "not inserted"}, "{b}"),
    ("{b, plural, one {#} other {# x}}", {"b": "0.5"}, "0.5 x"),
]


@pytest.mark.parametrize(("pattern", "params", "text"), CASES)
def test_patterns_are_formatted(pattern, params, text):
    assert format_pattern(pattern, params) == text


@pytest.mark.browser
def test_the_browser_formats_patterns_like_the_server(app_page):
    script = """async ([cases]) => {
        const { formatMessage } = await import(new URL("parts/core/i18n.js", document.baseURI));
        return cases.map(([pattern, params]) => formatMessage(pattern, params, "en"));
    }"""
    assert app_page.page.evaluate(script, [[list(case[:2]) for case in CASES]]) == [text for _, _, text in CASES]


@pytest.mark.browser
def test_the_browser_formats_all_texts_like_the_server(app_page):
    """With every parameter 1 and 7, in both languages."""
    cases = [
        (language, pattern, dict.fromkeys(re.findall(PARAMETER, pattern), value))
        for language in TEXTS
        for pattern in TEXTS[language].values()
        for value in (1, 7)
    ]
    script = """async (cases) => {
        const { formatMessage } = await import(new URL("parts/core/i18n.js", document.baseURI));
        return cases.map(([language, pattern, params]) => formatMessage(pattern, params, language));
    }"""
    expected = [format_pattern(pattern, params) for _, pattern, params in cases]
    assert app_page.page.evaluate(script, [list(case) for case in cases]) == expected
