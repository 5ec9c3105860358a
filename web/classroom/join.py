"""How a class reaches the page: the server's address in the local network, with a QR code."""

import socket
from dataclasses import dataclass

import segno

from pixelcnn.errors import Message
from web.errors import message_json

ALL_INTERFACES = ("0.0.0.0", "::", "")  # host names with which a server listens on all networks of the machine


@dataclass(frozen=True)
class JoinInfo:
    """Either the address of the page and its QR code, or the reason for having none."""

    address: str = ""
    qr: str = ""  # an SVG element
    problem: Message | None = None

    def to_dict(self) -> dict:
        """The answer of GET /class."""
        if self.problem:
            return {"problem": message_json(self.problem)}
        return {"address": self.address, "qr": self.qr}


def lan_host() -> str | None:
    """This machine's address in the local network, None if it has none.

    Connecting a UDP socket sends nothing, but makes the operating system choose a route and with it a local address. The
    destination is an address reserved for documentation (RFC 5737).
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            host = probe.getsockname()[0]
    except OSError:
        return None
    return None if host.startswith("127.") or host == "0.0.0.0" else host


def join_info(name: str | None, port: int) -> JoinInfo:
    """How other machines reach a server that listens as `name`; None stands for this machine only."""
    host = lan_host() if name in ALL_INTERFACES else name or "localhost"
    if host is None:
        return JoinInfo(
            problem=Message(
                "no_network",
                "This machine is not in a network. Connect it to the class's Wi-Fi or a phone's hotspot, "
                "then open this panel again.",
            )
        )
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return JoinInfo(
            problem=Message(
                "local_only",
                "The server listens on {host}, so only this machine can open the page. "
                "Restart it without GRADIO_SERVER_NAME.",
                {"host": host},
            )
        )
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    return JoinInfo(address, segno.make_qr(address, error="m").svg_inline(omitsize=True, svgclass="qr-code"))
