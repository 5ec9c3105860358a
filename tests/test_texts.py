"""Every word of the page: there in both languages, asked for by somebody, and asked for by its right name."""

import ast
import re
from pathlib import Path

import pytest

from pixelcnn.models import MODELS
from web.refusals import in_language
from web.texts import LANGUAGES, OF_SERVER, WORDS, words

WEB = Path(__file__).parent.parent / "web"
SOURCES = {path.name: path.read_text("utf-8") for path in (*WEB.glob("*.html"), *WEB.glob("js/*.js"))}
NAME = r"[a-z]\w*(?:\.[a-z_]\w*)*"


def named(pattern: str) -> set[str]:
    return {key for text in SOURCES.values() for key in re.findall(pattern, text)}


def asked_for() -> set[str]:
    """Keys that the page names outright: in data-say and its like, as `say:` of an element, in words.say("...")."""
    attributes = named(rf'data-(?:say|label|hint)="({NAME})"')
    elements = named(rf'\b(?:say|label|hint): "({NAME})"') | named(rf'dataset\.say = [^;\n]*"({NAME})"')
    return attributes | elements | named(rf'words\.(?:say|has)\("({NAME})"')


def built() -> list[str]:
    """Patterns of keys that are built from parts, such as `player.${...}`."""
    parts = named(rf"`({NAME}\.\w*\$\{{[^`]*)`")
    return [re.sub(r"\$\{[^}]*\}", r"\\w+", part) for part in parts]


def panels() -> set[str]:
    """Names of panels, which are words too."""
    return set(re.findall(r"(\w+): start\w+", re.search(r"PANELS = \{(.*?)\}", SOURCES["page.js"], re.S)[1]))


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_say_it_with_the_same_names(key):
    assert len(WORDS[key]) == len(LANGUAGES) and all(text.strip() == text != "" for text in WORDS[key])
    english, korean = (sorted(set(re.findall(r"{(\w+)}", text))) for text in WORDS[key])
    assert english == korean


def test_korean_is_korean():
    """But for what is called the same everywhere: the page itself, digits, kinds of files, the CPU."""
    latin = {key for key, (_, korean) in WORDS.items() if not re.search(r"[가-힣]", korean)}
    assert latin <= {"title", "language", "examples.top_name", "share.png", "share.gif", "share.json", "server.cpu"}


def test_every_key_that_is_asked_for_exists():
    missing = (asked_for() | panels()) - set(WORDS)
    assert not missing
    for pattern in built():
        assert any(re.fullmatch(pattern, key) for key in WORDS), f"nothing is called {pattern}"


def test_no_key_is_left_over():
    quoted = asked_for() | panels() | named(rf'["\'`]({NAME})["\'`]')
    models = {f"model.{name}" for name in MODELS}
    left = {key for key in WORDS if key not in quoted | models and not any(re.fullmatch(way, key) for way in built())}
    assert not left


def test_every_step_of_the_tour_has_words_and_the_other_way_round():
    steps = SOURCES["steps.js"]
    levels = {"child": "CHILD", "student": "STUDENT", "researcher": "RESEARCHER"}
    shared = {"draw": re.search(r"const draw = (.*?);", steps, re.S)[1]}
    said = {key for key in WORDS if key.count(".") == 2 and key.startswith("tour.")}
    there = set()
    for level, name in levels.items():
        body = re.search(rf"const {name} = \[(.*?)\n\];", steps, re.S)[1]
        names = re.findall(r'name: "(\w+)"|(?:panel|model)\("(\w+)"|^  (\w+),$', body, re.M)
        chosen = [next(filter(None, found)) for found in names]
        assert set(re.findall(r"^  (\w+),$", body, re.M)) <= set(shared)
        assert 3 < len(chosen) <= 10 and len(set(chosen)) == len(chosen)
        there |= {f"tour.{level}.{step}" for step in chosen}
    assert there == said


def test_the_page_gets_each_language_whole():
    assert set(words()) == set(LANGUAGES) and all(set(texts) == set(WORDS) for texts in words().values())


def spoken(node: ast.AST) -> str | None:
    """A string of the source as it stands there, {} for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(spoken(part) or "{}" for part in node.values)
    return None


def test_what_is_put_into_korean_is_what_the_server_says():
    sources = [*WEB.glob("*.py"), *(WEB.parent / "pixelcnn").glob("*.py")]
    trees = [ast.parse(path.read_text("utf-8")) for path in sources if path.name != "texts.py"]
    said = {spoken(node) for tree in trees for node in ast.walk(tree)}
    assert {re.sub(r"{\w+}", "{}", english) for english in OF_SERVER} <= said


@pytest.mark.parametrize("english", OF_SERVER)
def test_what_the_server_says_in_korean_tells_what_was_filled_in(english):
    names = re.findall(r"{(\w+)}", english)
    values = {name: f"{name} 7.5" for name in names}
    korean = in_language(english.format(**values), "ko-KR")
    assert re.search(r"[가-힣]", korean) and all(value in korean for value in values.values())
    for other in ("en", "", None, 3, ["ko"]):
        assert in_language(english.format(**values), other) == english.format(**values)


def test_what_nobody_has_words_for_stays_as_it_is():
    assert in_language("Something else; try again.", "ko") == "Something else; try again."
