"""The class wall by itself and over HTTP, and how a class finds the page."""

import re
import socket
import time

import httpx
import pytest

from benchmarks import clients
from pixelcnn import InputError
from web.classroom import join
from web.classroom.wall import MAX_NAME_LENGTH, MAX_PER_MINUTE, MAX_PICTURES, Wall, clean_name
from web.errors import ForbiddenError, RateLimitError

PICTURE = {"ink": "00" * 392 + "ff" * 392, "known": "1" * 392 + "0" * 392, "model": "pixelcnn", "name": "Mina"}


@pytest.fixture
def wall():
    """A wall whose clock advances by more than a minute between any two pictures."""
    minutes = iter(range(10**6))
    return Wall(784, lambda: ["pixelcnn", "freeform"], clock=lambda: 61.0 * next(minutes))


def names(changes: dict) -> list[str]:
    return [picture["name"] for picture in changes["pictures"]]


def test_every_reader_gets_each_picture_once(wall):
    first = wall.changes_since()
    assert first["complete_list"] and first["open"] and first["pictures"] == []
    assert wall.changes_since(first["token"]) is None
    wall.add(PICTURE, "a")
    second = wall.changes_since(first["token"])
    assert second["pictures"] == [PICTURE | {"number": 1}] and wall.changes_since(second["token"]) is None
    wall.add(PICTURE | {"name": "Jun"}, "b")
    third = wall.changes_since(second["token"])
    assert names(third) == ["Jun"] and not third["complete_list"] and names(wall.changes_since()) == ["Mina", "Jun"]


@pytest.mark.parametrize("token", ["x", "0-0", "abcdef-7", "-", "9" * 5000, "\uff11-\uff11"])
def test_an_unknown_token_gets_all_pictures(wall, token):
    wall.add(PICTURE, "a")
    run = wall.changes_since()["token"].split("-")[0]
    for since in (token, f"{run}-{token}"):
        assert wall.changes_since(since)["complete_list"] and len(wall.changes_since(since)["pictures"]) == 1


def test_a_full_wall_drops_the_oldest_pictures(wall):
    for number in range(MAX_PICTURES + 5):
        wall.add(PICTURE | {"name": str(number)}, "a")
    changes = wall.changes_since()
    assert len(changes["pictures"]) == MAX_PICTURES and changes["oldest"] == 6 and names(changes)[0] == "5"


def test_the_rate_limit_is_per_visitor_and_minute():
    now = [0.0]
    wall = Wall(784, lambda: ["pixelcnn"], clock=lambda: now[0])
    for _ in range(MAX_PER_MINUTE):
        wall.add(PICTURE, "a")
    with pytest.raises(RateLimitError) as caught:
        wall.add(PICTURE, "a")
    assert caught.value.code == "wall_rate_limit" and caught.value.params == {"count": MAX_PER_MINUTE}
    wall.add(PICTURE, "b")
    now[0] = 60.0
    wall.add(PICTURE, "a")


INVALID = [
    (None, "wall_ink_invalid"),
    ([PICTURE], "wall_ink_invalid"),
    (PICTURE | {"ink": "00" * 783}, "wall_ink_invalid"),
    (PICTURE | {"ink": "0" * 1567 + "\n"}, "wall_ink_invalid"),
    (PICTURE | {"ink": "<i" * 784}, "wall_ink_invalid"),
    (PICTURE | {"ink": ["00"] * 784}, "wall_ink_invalid"),
    (PICTURE | {"known": "1" * 784}, "wall_known_invalid"),
    (PICTURE | {"known": "2" * 784}, "wall_known_invalid"),
    (PICTURE | {"known": 784 * [0]}, "wall_known_invalid"),
    (PICTURE | {"model": "<b>"}, "wall_model_unknown"),
    (PICTURE | {"model": ["pixelcnn"]}, "wall_model_unknown"),
    (PICTURE | {"name": "x" * (MAX_NAME_LENGTH + 1)}, "wall_name_too_long"),
    (PICTURE | {"name": "x" * 10**5}, "wall_name_invalid"),
    (PICTURE | {"name": None}, "wall_name_invalid"),
    (PICTURE | {"name": {"x": 1}}, "wall_name_invalid"),
]


@pytest.mark.parametrize(("data", "code"), INVALID)
def test_invalid_pictures_are_rejected_and_leave_nothing(wall, data, code):
    before = wall.changes_since()["token"]
    with pytest.raises(InputError) as caught:
        wall.add(data, "a")
    assert caught.value.code == code and wall.changes_since(before) is None


def test_only_pictures_whose_visitors_agreed_are_for_training_while_they_are_on_the_wall(wall):
    for learn in (None, False, "true", 1):
        wall.add(PICTURE | {"learn": learn}, "a")
    assert wall.training_pictures().shape == (0, 784)
    wall.add(PICTURE | {"learn": True}, "a")
    (ink,) = wall.training_pictures()
    assert ink.tobytes().hex() == PICTURE["ink"]
    assert "learn" not in wall.changes_since()["pictures"][-1], "that is nobody else's business"
    for _ in range(MAX_PICTURES):
        wall.add(PICTURE, "a")
    assert len(wall.training_pictures()) == 0, "it is no longer on the wall"
    wall.add(PICTURE | {"learn": True}, "a")
    wall.moderate({"key": wall.key, "action": "clear"})
    assert len(wall.training_pictures()) == 0


def test_unexpected_fields_are_dropped(wall):
    wall.add(PICTURE | {"html": "<script>", "number": 99}, "a")
    assert wall.changes_since()["pictures"] == [PICTURE | {"number": 1}]


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
def test_names_lose_invisible_characters_only(given, shown):
    assert clean_name(given) == shown


def test_actions_need_the_key(wall):
    wall.add(PICTURE, "a")
    for key in (None, "", "x", wall.key[:-1], wall.key.upper(), [wall.key], "é\ud800", 0):
        with pytest.raises(ForbiddenError) as caught:
            wall.moderate({"key": key, "action": "clear"})
        assert caught.value.code == "wrong_teacher_key"
    with pytest.raises(ForbiddenError):
        wall.moderate(None)
    with pytest.raises(InputError) as unknown:
        wall.moderate({"key": wall.key, "action": "burn"})
    assert unknown.value.code == "unknown_wall_action"


def test_clear_removes_all_pictures_and_readers_see_later_ones(wall):
    wall.add(PICTURE, "a")
    before = wall.changes_since()["token"]
    wall.moderate({"key": f" {wall.key}\n", "action": "clear"})
    cleared = wall.changes_since(before)
    assert cleared["pictures"] == [] and cleared["oldest"] == 3 and not cleared["complete_list"]
    wall.add(PICTURE, "a")
    assert wall.changes_since(cleared["token"])["pictures"][0]["number"] >= cleared["oldest"]


def test_a_closed_wall_is_readable_but_rejects_pictures(wall):
    wall.add(PICTURE, "a")
    wall.moderate({"key": wall.key, "action": "close"})
    with pytest.raises(ForbiddenError) as caught:
        wall.add(PICTURE, "a")
    assert caught.value.code == "wall_closed"
    assert not wall.changes_since()["open"] and len(wall.changes_since()["pictures"]) == 1
    wall.moderate({"key": wall.key, "action": "open"})
    wall.add(PICTURE, "a")


def test_keys_are_random_and_without_ambiguous_letters():
    keys = {Wall(784, list).key for _ in range(50)}
    assert len(keys) == 50 and all(re.fullmatch(r"[a-hjkmnp-z2-9]{4}-[a-hjkmnp-z2-9]{4}", key) for key in keys)


# --- how a class finds the page


def test_the_address_to_join_is_that_of_this_machine(monkeypatch):
    monkeypatch.setattr(join, "lan_host", lambda: "192.168.1.7")
    info = join.join_info("0.0.0.0", 7861)
    assert info.address == "http://192.168.1.7:7861"
    assert info.qr.startswith("<svg") and info.qr.endswith("</svg>")
    assert info.to_dict() == {"address": info.address, "qr": info.qr}
    assert join.join_info("10.0.0.5", 80).address == "http://10.0.0.5:80"
    assert join.join_info("fd00::5", 80).address == "http://[fd00::5]:80"
    long = join.join_info("a" * 200, 80)
    assert long.qr and len(long.address) > 200


def test_without_a_network_there_is_no_address(monkeypatch):
    def unreachable(self, address):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    assert join.lan_host() is None
    answer = join.join_info("0.0.0.0", 7860).to_dict()
    assert answer["problem"]["code"] == "no_network" and "address" not in answer


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "::1"])
def test_a_server_for_this_machine_only_has_no_address(name):
    problem = join.join_info(name, 7860).to_dict()["problem"]
    assert problem["code"] == "local_only" and problem["params"] == {"host": name} and name in problem["text"]


# --- over HTTP


@pytest.fixture(scope="module")
def lan(tmp_path_factory):
    """The address of `python app.py --lan`, and the file with its output."""
    log = tmp_path_factory.mktemp("lan") / "log"
    with clients.server("--lan", log=log, env={"GRADIO_SERVER_NAME": ""}) as address:
        yield address, log
    assert "Traceback" not in log.read_text(), log.read_text()


def key_of(log) -> str:
    """The teacher's key in the output of a server."""
    for _ in range(100):
        if found := re.search(r"The teacher's key, to clear or close the class wall: (\S+)", log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def moderate(lan, action: str, key: str | None = None) -> httpx.Response:
    """Carry out a teacher's action, with the printed key by default."""
    address, log = lan
    return httpx.post(f"{address}/wall/moderate", json={"key": key or key_of(log), "action": action})


@pytest.mark.long
def test_the_wall_over_http(lan):
    address, _ = lan
    with httpx.Client(base_url=address) as client:
        empty = client.get("/wall").json()
        assert client.get("/wall", params={"since": empty["token"]}).status_code == 204
        assert client.post("/wall", json=PICTURE).json() == {"open": True}
        changes = client.get("/wall", params={"since": empty["token"]})
        assert changes.json()["pictures"] == [PICTURE | {"number": 1}] and changes.headers["cache-control"] == "no-store"
        statuses = [client.post("/wall", json=PICTURE).status_code for _ in range(MAX_PER_MINUTE)]
        assert statuses == [200] * (MAX_PER_MINUTE - 1) + [429]
        assert moderate(lan, "clear", "wrong").status_code == 403
        assert len(client.get("/wall").json()["pictures"]) == MAX_PER_MINUTE
        assert moderate(lan, "clear").status_code == 200 and client.get("/wall").json()["pictures"] == []
        assert moderate(lan, "close").json() == {"open": False}
        closed = client.post("/wall", json=PICTURE)
        assert closed.status_code == 403 and closed.json()["code"] == "wall_closed" and closed.json()["params"] == {}
        assert moderate(lan, "open").json() == {"open": True}


@pytest.mark.long
@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null", b"9" * 9999, b'{"ink": NaN}'])
def test_invalid_bodies_get_an_error(lan, body):
    for path, status, code in (("/wall", 400, "wall_ink_invalid"), ("/wall/moderate", 403, "wrong_teacher_key")):
        answer = httpx.post(f"{lan[0]}{path}", content=body)
        assert answer.status_code == status and answer.json()["code"] == code
    assert httpx.post(f"{lan[0]}/wall", content=b"x" * 300_000).status_code == 413


@pytest.mark.long
def test_how_to_join_is_printed_and_answered(lan):
    address, log = lan
    key_of(log)
    info, answer = join.join_info("0.0.0.0", int(address.rsplit(":", 1)[1])), httpx.get(f"{address}/class").json()
    assert answer == info.to_dict(), "the port is the server's own"
    printed = f"The class joins at {info.address}\n" if info.address else str(info.problem)
    assert printed in log.read_text()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/class"), ("GET", "/wall"), ("POST", "/wall"), ("POST", "/wall/moderate")]
)
def test_without_lan_there_is_no_class(server, method, path):
    answer = httpx.request(method, f"{server}{path}")
    assert answer.status_code == 404 and answer.json()["code"] == "no_class"
    assert "python app.py --lan" in answer.json()["error"] == answer.json()["detail"]


@pytest.mark.long
def test_polling_by_thirty_browsers_is_cheap(lan):
    """Thirty browsers that poll every 1.5 s send twenty requests per second; a hundred requests take less than 5 s."""
    address, _ = lan
    with httpx.Client(base_url=address) as client:
        token = client.get("/wall").json()["token"]
        started = time.perf_counter()
        for _ in range(100):
            assert client.get("/wall", params={"since": token}).content == b""
        assert time.perf_counter() - started < 5
