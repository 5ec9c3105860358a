"""A server on this machine that behaves like the Hugging Face Hub: the HTTP of downloads and pushes, and their failures."""

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
    """One repository, "user/digits".

    files: its content by name. mode: "normal", "unauthorized" (401), "forbidden" (403), "failing" (500), "no repo" (404),
    "no file" (404 for weights), "silent" (no response), "interrupted" (the connection closes in the middle of the first
    download of each weights file), or "moving" (the branch main is another commit at each request).
    """

    def __init__(self, files: dict[str, bytes], mode: str = "normal"):
        self.files, self.mode = files, mode
        self.requests: list[str] = []  # "GET path"
        self.pushed: dict[str, bytes] = {}
        self.interrupted: set[str] = set()

    def commit(self, revision: str) -> str:
        if self.mode == "moving" and revision == "main":
            return hashlib.sha1(str(len(self.requests)).encode()).hexdigest()
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
        if found:  # the client sometimes requests other paths too
            hub.requests.append(f"{self.command} {self.path}")
        if hub.mode == "silent":
            time.sleep(60)
        if hub.mode == "unauthorized":
            return self.answer(401, b"{}", X_Error_Message="Invalid credentials")
        if hub.mode in ("forbidden", "failing"):
            return self.answer(403 if hub.mode == "forbidden" else 500, b"{}")
        if path == "/api/datasets/user/digits/tree/main":
            files = [{"type": "file", "path": name, "size": len(file), "oid": "0"} for name, file in hub.files.items()]
            return self.json(files)
        if hub.mode == "no repo" or not found:
            return self.answer(404, b"{}", X_Error_Code="RepoNotFound")
        revision, name = found.groups()
        if name not in hub.files or (hub.mode == "no file" and name.endswith(".safetensors")):
            return self.answer(404, b"{}", X_Error_Code="EntryNotFound")
        return self.file(name, revision)

    def file(self, name: str, revision: str) -> None:
        hub, content = self.hub, self.hub.files[name]
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X_Repo_Commit": hub.commit(revision)}
        headers |= {"Accept_Ranges": "bytes", "Content_Length": str(len(content) - start)}
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        interrupt = (
            hub.mode == "interrupted"
            and self.command == "GET"
            and name.endswith(".safetensors")
            and name not in hub.interrupted
        )
        self.answer(206 if start else 200, content[: len(content) // 2] if interrupt else content[start:], **headers)
        if interrupt:
            hub.interrupted.add(name)
            self.wfile.flush()
            self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.requests.append(f"POST {self.path}")
        if self.hub.mode == "unauthorized":
            return self.answer(401, b"{}", X_Error_Message="Invalid credentials")
        if self.hub.mode == "failing":
            return self.answer(500, b"{}")
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
    """The address of the running server; it stops at the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"hub": hub}))
    server.daemon_threads, server.block_on_close = True, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
