"""How much visitors may upload, of one address and of all, and how long it stays."""

import asyncio
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradio.utils import get_upload_folder
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mia_demo.ui.engine.who_asks import is_private
from mia_demo.ui.serving.guards import Guard
from mia_demo.visitors.upload import MAX_ZIP_BYTES

API = "/gradio_api/"
UPLOAD = f"{API}upload"
MAX_REQUEST_FILES = 20
MAX_ADDRESS_FILES = 60
MAX_ADDRESS_BYTES = 5 * MAX_ZIP_BYTES  # a classroom's zips are read, and deleted, one by one
MAX_ALL_FILES = 400
MAX_ALL_BYTES = 20 * MAX_ZIP_BYTES
KEPT_SECONDS = 600.0  # who waits for a job ahead still needs the files
MAX_ANSWER_BYTES = 2**20
TOO_MANY_AT_ONCE = f"At most {MAX_REQUEST_FILES} files are taken at once."
ADDRESS_FULL = (
    f"At most {MAX_ADDRESS_BYTES // 2**20} MB and {MAX_ADDRESS_FILES} files are kept per address; "
    "try again in ten minutes."
)
ALL_FULL = "Visitors have uploaded too much at this moment; try again in ten minutes."


@dataclass
class CountedUpload:
    """One request's files: on their way, kept, or gone."""

    address: str  # whose they are; empty for the owner
    size: int = 0  # bytes so far
    parts: int = 0  # files so far
    paths: Sequence[Path] = ()  # of the kept files; whoever reads a file deletes it
    until: float = math.inf  # when what is left of them is deleted, in monotonic seconds
    is_refused: bool = False  # while it came, which makes Gradio delete what it has

    @property
    def is_gone(self) -> bool:
        is_read = bool(self.paths) and not any(path.exists() for path in self.paths)
        return is_read or time.monotonic() > self.until

    def discard(self) -> None:
        for path in self.paths:
            path.unlink(missing_ok=True)
        # What was cut off, or sent under another name than Gradio's, keeps its temporary name.
        for path in Path(get_upload_folder()).glob("tmp*"):
            if path.is_file() and time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink(missing_ok=True)


class Uploads(Guard):
    """Counts uploads as they stream in, and deletes what nobody has read in time.

    For the owner of a private demo only the limit on all uploads together counts.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self._uploads: list[CountedUpload] = []  # for the event loop alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_upload = scope["type"] == "http" and scope["method"] == "POST"
        if not is_upload or scope["path"].rstrip("/") != UPLOAD:
            await self.app(scope, receive, send)
            return
        self._uploads = [upload for upload in self._uploads if not upload.is_gone]
        upload = CountedUpload(_address(scope))
        headers = Headers(scope=scope)
        if refusal := self._refusal(upload, _declared(headers)):
            wait = {"Retry-After": f"{KEPT_SECONDS:.0f}"}
            await PlainTextResponse(refusal, 429, wait)(scope, receive, send)
            return
        self._uploads.append(upload)
        status, answer = 0, b""

        async def watch(message: Message) -> None:
            nonlocal status, answer
            if message["type"] == "http.response.start":
                status = message["status"]
            elif len(answer) < MAX_ANSWER_BYTES:
                answer += message.get("body", b"")
            await send(message)

        try:
            await self.app(scope, self._counted(upload, headers, receive), watch)
        finally:
            upload.paths = _kept(answer) if status == 200 else ()
            upload.until = time.monotonic() + KEPT_SECONDS
            if upload.is_refused or status == 413:  # Gradio has deleted the files
                self._uploads.remove(upload)
            asyncio.get_running_loop().call_later(KEPT_SECONDS + 1, upload.discard)

    def _counted(self, upload: CountedUpload, headers: Headers, receive: Receive) -> Receive:
        boundary, tail = _boundary(headers), b""

        async def counted() -> Message:
            nonlocal tail
            message = await receive()
            if message["type"] == "http.disconnect":
                upload.is_refused = True
                raise MultiPartException("The upload was cut off.")
            body = message.get("body", b"")
            upload.size += len(body)
            if boundary:  # it comes before each part, and at the end
                text = tail + body
                upload.parts += text.count(boundary)
                tail = text[-(len(boundary) - 1) :]
            if refusal := self._refusal(upload):
                upload.is_refused = True
                raise MultiPartException(f"{refusal} It exceeds the maximum allowed size.")
            return message

        return counted

    def _refusal(self, upload: CountedUpload, further: int = 0) -> str:
        """Why no more is taken; empty if it is."""
        everybody = [*(other for other in self._uploads if other is not upload), upload]
        own = [one for one in everybody if one.address == upload.address]
        if upload.parts > MAX_REQUEST_FILES + 1:
            return TOO_MANY_AT_ONCE
        if _is_over(everybody, further, MAX_ALL_BYTES, MAX_ALL_FILES):
            return ALL_FULL
        if upload.address and _is_over(own, further, MAX_ADDRESS_BYTES, MAX_ADDRESS_FILES):
            return ADDRESS_FULL
        return ""


def _kept(answer: bytes) -> list[Path]:
    """The files that Gradio's answer names."""
    try:
        return [Path(path) for path in json.loads(answer)]
    except (ValueError, TypeError):
        return []


def _is_over(
    uploads: Sequence[CountedUpload], further: int, most_bytes: int, most_files: int
) -> bool:
    size = sum(upload.size for upload in uploads) + further
    # The last boundary of each ends it.
    files = sum(max(0, upload.parts - 1) for upload in uploads)
    return size > most_bytes or files > most_files


def _address(scope: Scope) -> str:
    request = Request(scope)
    return "" if is_private(request) or request.client is None else request.client.host


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isdigit() and len(length) < 16 else 0


def _boundary(headers: Headers) -> bytes:
    _, options = parse_options_header(headers.get("content-type", ""))
    found = options.get(b"boundary", b"")
    return b"--" + found if found else b""
