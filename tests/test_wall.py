"""The class wall: what it takes and refuses, by itself and over HTTP, and how a class finds the page."""

import re
import socket
import time

import httpx
import pytest

from benchmarks import visitors
from pixelcnn import BadInput
from web import classroom
from web.wall import MOST, NAME_LENGTH, PER_MINUTE, Forbidden, TooMany, Wall, cleaned

PICTURE = {"ink": "00" * 392 + "ff" * 392, "known": "1" * 392 + "0" * 392, "model": "pixelcnn", "name": "Mina"}


@pytest.fixture
def wall():
    """A wall whose minute is over before each picture."""
    minutes = iter(range(10**6))
    return Wall(784, lambda: ["pixelcnn", "freeform"], clock=lambda: 61.0 * next(minutes))


def names(news: dict) -> list[str]:
    return [picture["name"] for picture in news["pictures"]]


def test_what_is_put_is_seen_once_by_who_looks(wall):
    first = wall.news()
    assert first["whole"] and first["open"] and first["pictures"] == [] and wall.news(first["token"]) is None
    wall.put(PICTURE, "a")
    second = wall.news(first["token"])
    assert second["pictures"] == [PICTURE | {"number": 1}] and wall.news(second["token"]) is None
    wall.put(PICTURE | {"name": "Jun"}, "b")
    third = wall.news(second["token"])
    assert names(third) == ["Jun"] and not third["whole"] and names(wall.news()) == ["Mina", "Jun"]


@pytest.mark.parametrize("token", ["x", "0-0", "abcdef-7", "-", "9" * 5000, "\uff11-\uff11"])
def test_a_token_of_another_wall_gets_all(wall, token):
    wall.put(PICTURE, "a")
    run = wall.news()["token"].split("-")[0]
    for since in (token, f"{run}-{token}"):
        assert wall.news(since)["whole"] and len(wall.news(since)["pictures"]) == 1


def test_the_oldest_go_when_the_wall_is_full(wall):
    for number in range(MOST + 5):
        wall.put(PICTURE | {"name": str(number)}, "a")
    news = wall.news()
    assert len(news["pictures"]) == MOST and news["oldest"] == 6 and names(news)[0] == "5"


def test_one_visitor_puts_a_few_a_minute_and_others_are_not_held_up():
    now = [0.0]
    wall = Wall(784, lambda: ["pixelcnn"], clock=lambda: now[0])
    for _ in range(PER_MINUTE):
        wall.put(PICTURE, "a")
    with pytest.raises(TooMany, match="within a minute"):
        wall.put(PICTURE, "a")
    wall.put(PICTURE, "b")
    now[0] = 60.0
    wall.put(PICTURE, "a")


HOSTILE = [
    (None, "no ink"),
    ([PICTURE], "no ink"),
    (PICTURE | {"ink": "00" * 783}, "expected 784 pixels"),
    (PICTURE | {"ink": "0" * 1567 + "\n"}, "no ink"),
    (PICTURE | {"ink": "<i" * 784}, "no ink"),
    (PICTURE | {"ink": ["00"] * 784}, "no ink"),
    (PICTURE | {"known": "1" * 784}, "does not say what the model drew"),
    (PICTURE | {"known": "2" * 784}, "expected 784 of 0 and 1"),
    (PICTURE | {"known": 784 * [0]}, "expected 784 of 0 and 1"),
    (PICTURE | {"model": "<b>"}, "expected one of pixelcnn"),
    (PICTURE | {"model": ["pixelcnn"]}, "expected one of pixelcnn"),
    (PICTURE | {"name": "x" * (NAME_LENGTH + 1)}, "21 characters; expected at most 20"),
    (PICTURE | {"name": "x" * 10**5}, "at most 20"),
    (PICTURE | {"name": None}, "at most 20"),
    (PICTURE | {"name": {"x": 1}}, "at most 20"),
]


@pytest.mark.parametrize(("data", "says"), HOSTILE)
def test_anything_but_a_completion_is_one_sentence(wall, data, says):
    before = wall.news()["token"]
    with pytest.raises(BadInput, match=says):
        wall.put(data, "a")
    assert wall.news(before) is None, "nothing of it stays"


def test_only_known_fields_are_shown(wall):
    wall.put(PICTURE | {"html": "<script>", "number": 99}, "a")
    assert wall.news()["pictures"] == [PICTURE | {"number": 1}]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("  Mina \n Kim ", "Mina Kim"),
        ("민아", "민아"),
        ("\u1106\u1175\u11ab\u110b\u1161", "민아"),
        ("ab\u202ecd\u0000e\u200b", "ab cd e"),
        ("\ud800", ""),
        ("<b>x</b>", "<b>x</b>"),
        ("", ""),
    ],
)
def test_names_lose_what_is_invisible_and_nothing_else(given, shown):
    assert cleaned(given) == shown


def test_only_the_key_rules(wall):
    wall.put(PICTURE, "a")
    for key in (None, "", "x", wall.key[:-1], wall.key.upper(), [wall.key], "é\ud800", 0):
        with pytest.raises(Forbidden, match="not the teacher's key"):
            wall.rule({"key": key, "act": "clear"})
    with pytest.raises(Forbidden):
        wall.rule(None)
    with pytest.raises(BadInput, match="expected clear, close or open"):
        wall.rule({"key": wall.key, "act": "burn"})
    seen = wall.news()["token"]
    wall.rule({"key": f" {wall.key}\n", "act": "clear"})
    cleared = wall.news(seen)
    assert cleared["pictures"] == [] and cleared["oldest"] == 3 and not cleared["whole"]
    wall.put(PICTURE, "a")
    assert wall.news(cleared["token"])["pictures"][0]["number"] >= cleared["oldest"], "what comes after a clearing is seen"


def test_a_closed_wall_is_seen_but_takes_nothing(wall):
    wall.put(PICTURE, "a")
    wall.rule({"key": wall.key, "act": "close"})
    with pytest.raises(Forbidden, match="The wall is closed"):
        wall.put(PICTURE, "a")
    assert not wall.news()["open"] and len(wall.news()["pictures"]) == 1
    wall.rule({"key": wall.key, "act": "open"})
    wall.put(PICTURE, "a")


def test_keys_are_random_and_can_be_read_out():
    keys = {Wall(784, list).key for _ in range(50)}
    assert len(keys) == 50 and all(re.fullmatch(r"[a-hjkmnp-z2-9]{4}-[a-hjkmnp-z2-9]{4}", key) for key in keys)


# --- how a class finds the page


def test_the_address_to_join_is_that_of_this_machine(monkeypatch):
    monkeypatch.setattr(classroom, "lan_host", lambda: "192.168.1.7")
    way = classroom.join("0.0.0.0", 7861)
    assert (
        way["address"] == "http://192.168.1.7:7861" and way["qr"]["size"] == 25 and way["qr"]["path"].startswith("M0 0h7")
    )
    assert classroom.join("10.0.0.5", 80)["address"] == "http://10.0.0.5:80"
    assert classroom.join("fd00::5", 80)["address"] == "http://[fd00::5]:80"
    assert "qr" not in classroom.join("a" * 200, 80), "too long for a code, but it can be typed"


def test_without_a_network_there_is_a_sentence(monkeypatch):
    def unreachable(self, address):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    assert classroom.lan_host() is None
    assert "in no network; join" in classroom.join("0.0.0.0", 7860)["sentence"]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "::1"])
def test_a_page_for_this_machine_alone_says_so(name):
    assert "this machine alone" in classroom.join(name, 7860)["sentence"]


# --- over HTTP


@pytest.fixture(scope="module")
def lan(tmp_path_factory):
    """The address of `python app.py --lan`, and what it printed."""
    log = tmp_path_factory.mktemp("lan") / "log"
    with visitors.server("--lan", log=log, env={"GRADIO_SERVER_NAME": ""}) as address:
        yield address, log
    assert "Traceback" not in log.read_text(), log.read_text()


def key_of(log) -> str:
    """The teacher's key as it was printed."""
    for _ in range(100):
        if found := re.search(r"The teacher's key, to clear or close the class wall: (\S+)", log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def rule(lan, act: str, key: str | None = None) -> httpx.Response:
    address, log = lan
    return httpx.post(f"{address}/wall/rule", json={"key": key or key_of(log), "act": act})


@pytest.mark.long
def test_over_http_put_look_limit_clear_and_close(lan):
    address, _ = lan
    with httpx.Client(base_url=address) as client:
        empty = client.get("/wall").json()
        assert client.get("/wall", params={"since": empty["token"]}).status_code == 204
        assert client.post("/wall", json=PICTURE).json() == {"open": True}
        news = client.get("/wall", params={"since": empty["token"]})
        assert news.json()["pictures"] == [PICTURE | {"number": 1}] and news.headers["cache-control"] == "no-store"
        answers = [client.post("/wall", json=PICTURE).status_code for _ in range(PER_MINUTE)]
        assert answers == [200] * (PER_MINUTE - 1) + [429]
        assert rule(lan, "clear", "wrong").status_code == 403 and len(client.get("/wall").json()["pictures"]) == PER_MINUTE
        assert rule(lan, "clear").status_code == 200 and client.get("/wall").json()["pictures"] == []
        assert rule(lan, "close").json() == {"open": False}
        closed = client.post("/wall", json=PICTURE)
        assert closed.status_code == 403 and closed.json()["error"] == "The wall is closed; ask your teacher to open it."
        assert rule(lan, "open").json() == {"open": True}


@pytest.mark.long
@pytest.mark.parametrize("sent", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null", b"9" * 9999, b'{"ink": NaN}'])
def test_hostile_bodies_are_one_sentence(lan, sent):
    for path, status in (("/wall", 400), ("/wall/rule", 403)):
        answer = httpx.post(f"{lan[0]}{path}", content=sent)
        assert answer.status_code == status and answer.json()["error"].endswith(".")
    assert httpx.post(f"{lan[0]}/wall", content=b"x" * 300_000).status_code == 413


@pytest.mark.long
def test_how_to_join_is_printed_and_told(lan):
    address, log = lan
    key_of(log)
    way, port = httpx.get(f"{address}/class").json(), address.rsplit(":", 1)[1]
    assert way == classroom.join("0.0.0.0", int(port)), "the port is the server's own"
    said = f"The class joins at {way['address']}\n" if "address" in way else way["sentence"]
    assert said in log.read_text()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/class"), ("GET", "/wall"), ("POST", "/wall"), ("POST", "/wall/rule")]
)
def test_without_lan_there_is_no_class(server, method, path):
    answer = httpx.request(method, f"{server}{path}")
    assert answer.status_code == 404 and "python app.py --lan" in answer.json()["error"]


@pytest.mark.long
def test_thirty_viewers_do_not_matter(lan):
    """Thirty browsers that look every 1.5 s ask twenty times a second; the server does far more, with no thread for any."""
    address, _ = lan
    with httpx.Client(base_url=address) as client:
        token = client.get("/wall").json()["token"]
        began = time.perf_counter()
        for _ in range(100):
            assert client.get("/wall", params={"since": token}).content == b""
        assert time.perf_counter() - began < 5
