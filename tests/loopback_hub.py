"""A Hub on this machine: as much of its HTTP as a pull and a push need, and every way in which it can fail."""

import base64
import hashlib
import json
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c" * 40


class Hub:
    """files: name to content of one repository, "user/digits"; `how` it behaves:

    whole, refused (401), missing (404 for the repository), no file (404 for the weights), silent, half (the connection
    breaks in the middle of the first download of the weights), moved (main is another commit each time it is asked for).
    """

    def __init__(self, files: dict[str, bytes], how: str = "whole"):
        self.files, self.how = files, how
        self.asked: list[str] = []  # "GET path"
        self.pushed: dict[str, bytes] = {}
        self.broken: set[str] = set()

    def commit(self, revision: str) -> str:
        if self.how == "moved" and revision == "main":
            return hashlib.sha1(str(len(self.asked)).encode()).hexdigest()
        return revision if re.fullmatch("[0-9a-f]{40}", revision) else COMMIT


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, path = self.hub, self.path.split("?")[0]
        found = re.fullmatch("(?:/datasets)?/user/digits/resolve/([^/]+)/(.+)", path)
        if found:  # the client asks about other things too, now and then
            hub.asked.append(f"{self.command} {self.path}")
        if hub.how == "silent":
            time.sleep(60)
        if hub.how == "refused":
            return self.answer(401, b"{}", X_Error_Message="Invalid credentials")
        if path == "/api/datasets/user/digits/tree/main":
            files = [{"type": "file", "path": name, "size": len(file), "oid": "0"} for name, file in hub.files.items()]
            return self.json(files)
        if hub.how == "missing" or not found:
            return self.answer(404, b"{}", X_Error_Code="RepoNotFound")
        revision, name = found.groups()
        if name not in hub.files or (hub.how == "no file" and name.endswith(".safetensors")):
            return self.answer(404, b"{}", X_Error_Code="EntryNotFound")
        return self.file(name, revision)

    def file(self, name: str, revision: str) -> None:
        hub, content = self.hub, self.hub.files[name]
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        facts = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X_Repo_Commit": hub.commit(revision)}
        facts |= {"Accept_Ranges": "bytes", "Content_Length": str(len(content) - start)}
        if start:
            facts["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        breaks = hub.how == "half" and self.command == "GET" and name.endswith(".safetensors") and name not in hub.broken
        self.answer(206 if start else 200, content[: len(content) // 2] if breaks else content[start:], **facts)
        if breaks:
            hub.broken.add(name)
            self.wfile.flush()
            self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.asked.append(f"POST {self.path}")
        if self.hub.how == "refused":
            return self.answer(401, b"{}", X_Error_Message="Invalid credentials")
        if self.path == "/api/repos/create":
            return self.json({"url": "http://127.0.0.1/user/digits", "id": "1", "name": "user/digits"})
        if self.path == "/api/validate-yaml":
            return self.json({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            paths = [file["path"] for file in json.loads(body)["files"]]
            return self.json({"files": [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]})
        if "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.hub.pushed[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            url = f"http://{self.headers['Host']}/user/digits/commit/{COMMIT}"
            return self.json({"success": True, "commitOid": COMMIT, "commitUrl": url, "hookOutput": ""})
        return self.answer(404, b"{}")

    def json(self, value: object) -> None:
        self.answer(200, json.dumps(value).encode(), Content_Type="application/json")


@contextmanager
def running(hub: Hub):
    """The address of the Hub, for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HandlerOfOne", (Handler,), {"hub": hub}))
    server.daemon_threads, server.block_on_close = True, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
