"""A small Hugging Face Hub on loopback, spoken to over real HTTP by the real client.

It keeps git's and LFS's hashes, pins commits, redirects large files to a store on another host
name, checks tokens, and can be told to misbehave. What it implements of the protocol is what
``huggingface_hub`` sends for the demo; anything else is answered with 501, so that a test notices.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

OWNER, OWNERS_TOKEN = "ada", "hf_" + "owner" * 7
STRANGERS_TOKEN = "hf_" + "guest" * 7
LARGE = (".safetensors", ".zip", ".webp", ".bin", ".pt")

Files = dict[str, bytes]


@dataclass
class Repo:
    """Commits, oldest first, and branches that point at them."""

    private: bool = False
    gated: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Files, branch: str = "main") -> str:
        """Adds a commit with exactly these files."""
        state = json.dumps([sorted((n, git_hash(d)) for n, d in files.items()), len(self.commits)])
        oid = hashlib.sha1(state.encode()).hexdigest()  # noqa: S324
        self.commits[oid] = dict(files)
        self.branches[branch] = oid
        return oid

    def resolve(self, revision: str) -> str | None:
        oid = self.branches.get(revision, revision)
        return oid if oid in self.commits else None


def git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324


def is_large(path: str) -> bool:
    return path.endswith(LARGE)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    host: str
    authorized: bool


class HubStandIn:
    """Serves until ``close``.

    Attributes:
        repos: by ``user/name``.
        requests: everything that was asked.
        faults: file name -> ``truncate``, ``stall`` or ``flip`` (a wrong byte, same size); and
            ``*`` -> ``stall`` (never answers at all) or a status such as ``503``.
        fault_uses: how often each fault strikes before it is over; default for good.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.store: dict[str, bytes] = {}  # LFS objects by sha256
        self.requests: list[Request] = []
        self.faults: dict[str, str] = {}
        self.fault_uses: dict[str, int] = {}
        self.released = threading.Event()
        hub = self

        class Handler(_Handler):
            stand_in = hub

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{port}"
        # For the client another host, to which no token may go.
        self.store_url = f"http://localhost:{port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """From now on connections are refused: every answer closed its connection."""
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def host(self, folder: Path, repo: str, **options: Any) -> str:
        """Puts a folder's files up without a client; returns the commit."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        self.repos.setdefault(repo, Repo(**options))
        return self.put(repo, files)

    def put(self, repo: str, files: Files) -> str:
        for name, data in files.items():
            if is_large(name):
                self.store[hashlib.sha256(data).hexdigest()] = data
        return self.repos[repo].commit(files)

    def downloaded(self) -> list[str]:
        """File names of all GET requests for contents."""
        return [
            Path(request.path).name
            for request in self.requests
            if request.method == "GET" and ("/resolve/" in request.path or "/cdn/" in request.path)
        ]


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.0: one request a connection."""

    stand_in: HubStandIn

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        hub = self.stand_in
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        self.query = parse_qs(parts.query)
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        self.user = {OWNERS_TOKEN: OWNER, STRANGERS_TOKEN: "stranger"}.get(bearer)
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("transfer-encoding") == "chunked":
            self.body = self._read_chunks()
        host = self.headers["host"]
        hub.requests.append(Request(self.command, path, host, bool(bearer)))
        fault = hub.faults.get("*")
        if fault == "stall":
            hub.released.wait(60)
            return
        if fault:
            self._answer(int(fault), {"error": "as told"})
            return
        if bearer and not self.user:
            self._answer(
                401, {"error": "bad"}, message="Invalid credentials in Authorization header"
            )
            return
        for pattern, handle in self.ROUTES:
            match = re.fullmatch(pattern, path)
            if match:
                handle(self, *match.groups())
                return
        self._answer(501, {"error": f"{self.command} {path} is not part of the stand-in"})

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def _answer(
        self, status: int, value: Any = None, *, code: str = "", message: str = "", **headers: str
    ) -> None:
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if code:
            self.send_header("X-Error-Code", code)
        if message:
            self.send_header("X-Error-Message", message)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    # -- reading ------------------------------------------------------------------------------

    def _files(self, repo: str, revision: str, *, content: bool) -> tuple[str, Files] | None:
        """The commit's files; answers and returns None where access is refused."""
        found = self.stand_in.repos.get(repo)
        if found is None or (found.private and self.user != OWNER):
            # The Hub does not tell a private repository from none.
            self._answer(404 if self.user else 401, {"error": "none"}, code="RepoNotFound")
            return None
        if content and found.gated and self.user != OWNER:
            self._answer(403 if self.user else 401, {"error": "gated"}, code="GatedRepo")
            return None
        oid = found.resolve(revision)
        if oid is None:
            self._answer(404, {"error": "revision"}, code="RevisionNotFound")
            return None
        return oid, found.commits[oid]

    def info(self, repo: str, revision: str | None) -> None:
        found = self._files(repo, revision or "main", content=False)
        if found:
            oid, files = found
            siblings = [{"rfilename": name} for name in files]
            hosted = self.stand_in.repos[repo]
            value = {"id": repo, "sha": oid, "private": hosted.private, "siblings": siblings}
            self._answer(200, {**value, "gated": "auto" if hosted.gated else False})

    def tree(self, repo: str, revision: str) -> None:
        found = self._files(repo, revision, content=True)
        if not found:
            return
        recursive = self.query.get("recursive", ["false"])[0].lower() == "true"
        entries: dict[str, dict[str, Any]] = {}
        for name, data in found[1].items():
            if "/" in name and not recursive:
                folder = name.split("/")[0]
                entries[folder] = {"type": "directory", "path": folder, "oid": "0" * 40, "size": 0}
                continue
            entry = {"type": "file", "path": name, "oid": git_hash(data), "size": len(data)}
            if is_large(name):
                oid = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"oid": oid, "size": len(data), "pointerSize": 134}
            entries[name] = entry
        self._answer(200, list(entries.values()))

    def resolve(self, repo: str, revision: str, name: str) -> None:
        found = self._files(repo, revision, content=True)
        if not found:
            return
        oid, files = found
        if name not in files:
            self._answer(404, {"error": "entry"}, code="EntryNotFound", X_Repo_Commit=oid)
            return
        data = files[name]
        if not is_large(name):
            self._content(name, data, ETag=f'"{git_hash(data)}"', X_Repo_Commit=oid)
            return
        sha256 = hashlib.sha256(data).hexdigest()
        self._answer(
            302,
            X_Repo_Commit=oid,
            X_Linked_Etag=f'"{sha256}"',
            X_Linked_Size=str(len(data)),
            Location=f"{self.stand_in.store_url}/cdn/{sha256}/{name}",
        )

    def cdn(self, sha256: str, name: str) -> None:
        self._content(name, self.stand_in.store[sha256], ETag=f'"{sha256}"')

    def _content(self, name: str, data: bytes, **headers: str) -> None:
        fault = self._fault(name) if self.command == "GET" else None
        if fault == "flip":
            data = data[:-1] + bytes([data[-1] ^ 1])
        first = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        if asked:
            first = int(asked[1])
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(data) - first))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        for key, text in headers.items():
            self.send_header(key.replace("_", "-"), text)
        self.end_headers()
        if self.command == "HEAD":
            return
        part = data[first:]
        if fault in ("truncate", "stall"):
            part = part[: len(part) // 2]
        self.wfile.write(part)
        self.wfile.flush()
        if fault == "stall":
            self.stand_in.released.wait(60)

    def _fault(self, name: str) -> str | None:
        left = self.stand_in.fault_uses.get(name, 1_000_000)
        if name not in self.stand_in.faults or not left:
            return None
        self.stand_in.fault_uses[name] = left - 1
        return self.stand_in.faults[name]

    # -- writing ------------------------------------------------------------------------------

    def create(self) -> None:
        wanted = json.loads(self.body)
        owner = wanted.get("organization") or self.user
        repo = f"{owner}/{wanted['name']}"
        if not self.user:
            self._answer(401, {"error": "log in"})
        elif owner != self.user or self.user != OWNER:
            self._answer(403, {"error": "not yours"}, message="not yours")
        elif repo in self.stand_in.repos:
            self._answer(409, {"error": "exists", "url": f"{self.stand_in.url}/{repo}"})
        else:
            private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
            self.stand_in.repos[repo] = Repo(private=private)
            self.stand_in.repos[repo].commit({".gitattributes": b"*.zip filter=lfs\n"})
            self._answer(200, {"url": f"{self.stand_in.url}/{repo}"})

    def validate_yaml(self) -> None:
        text = json.loads(self.body)["content"]
        errors = []
        try:
            metadata = yaml.safe_load(text.split("---\n")[1])
            for key in ("license", "library_name", "tags", "metrics"):
                if key not in metadata:
                    errors.append({"message": f"{key} is missing"})
        except (yaml.YAMLError, IndexError) as error:
            errors.append({"message": str(error)})
        self._answer(400 if errors else 200, {"errors": errors, "warnings": []})

    def preupload(self, repo: str, revision: str) -> None:
        if not self._may_write(repo):
            return
        head = self.stand_in.repos[repo].commits[self.stand_in.repos[repo].branches[revision]]
        files = []
        for file in json.loads(self.body)["files"]:
            name = file["path"]
            answer = {"path": name, "shouldIgnore": False}
            answer["uploadMode"] = "lfs" if is_large(name) else "regular"
            if name in head:
                data = head[name]
                large = hashlib.sha256(data).hexdigest()
                answer["oid"] = large if is_large(name) else git_hash(data)
            files.append(answer)
        self._answer(200, {"files": files})

    def lfs_batch(self, repo: str) -> None:
        if not self._may_write(repo):
            return
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            answer = dict(wanted)
            if wanted["oid"] not in self.stand_in.store:
                href = f"{self.stand_in.store_url}/lfs/{wanted['oid']}"
                answer["actions"] = {"upload": {"href": href}}
            objects.append(answer)
        self._answer(200, {"transfer": "basic", "objects": objects})

    def lfs_put(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            self._answer(400, {"error": "not what was announced"})
            return
        self.stand_in.store[oid] = self.body
        self._answer(200)

    def commit(self, repo: str, revision: str) -> None:
        if not self._may_write(repo):
            return
        hosted = self.stand_in.repos[repo]
        files = dict(hosted.commits[hosted.branches[revision]])
        for line in self.body.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                files[value["path"]] = self.stand_in.store[value["oid"]]
        oid = hosted.commit(files, revision)
        url = f"{self.stand_in.url}/{repo}/commit/{oid}"
        self._answer(200, {"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})

    def _may_write(self, repo: str) -> bool:
        may = self.user == OWNER and repo.startswith(f"{OWNER}/")
        if not may:
            self._answer(403 if self.user else 401, {"error": "not yours"}, message="not yours")
        return may

    def page(self) -> None:
        self._answer(200)

    REPO = r"([\w.-]+/[\w.-]+)"
    ROUTES = (
        (r"/", page),
        (r"/api/repos/create", create),
        (r"/api/validate-yaml", validate_yaml),
        (rf"/api/models/{REPO}/preupload/([\w.-]+)", preupload),
        (rf"/api/models/{REPO}/commit/([\w.-]+)", commit),
        (rf"/api/models/{REPO}/tree/([\w.-]+)", tree),
        (rf"/api/models/{REPO}(?:/revision/([\w.-]+))?", info),
        (rf"/{REPO}\.git/info/lfs/objects/batch", lfs_batch),
        (r"/lfs/([0-9a-f]{64})", lfs_put),
        (r"/cdn/([0-9a-f]{64})/(.+)", cdn),
        (rf"/{REPO}/resolve/([\w.-]+)/(.+)", resolve),
    )
