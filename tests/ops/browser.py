"""A headless Chromium without a profile, driven over its debugging pipe: pages, their errors, their pictures."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.processes import program

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--window-size=1200,1600",
    "--remote-debugging-pipe",
)
# It reads commands from descriptor 3 and writes events to 4.
_PLUGGED = """
import fcntl, os, sys
heard, told = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(heard, 3)
os.dup2(told, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_COUNT = "document.querySelectorAll({selector}).length"


class Browser:
    """One tab."""

    def __init__(self, commands: int, events: int) -> None:
        self._commands, self._events = commands, events
        self._buffer = b""
        self._serial = 0
        self._session = ""
        self.complaints: list[str] = []
        """What the pages' consoles said: errors, and refusals by the content security policy."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Audits"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> None:
        self._call("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        return self._call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def count(self, selector: str) -> int:
        """How many elements of the page match; 0 while it is still loading."""
        return int(self.evaluate(_COUNT.format(selector=json.dumps(selector))) or 0)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._serial += 1
        message = {"id": self._serial, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._serial:
            self._listen(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._events, 1 << 20)
            assert piece, "the browser has ended"
            self._buffer += piece
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def _listen(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Log.entryAdded" if event["params"]["entry"]["level"] == "error":
                self.complaints.append(event["params"]["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(event["params"]["exceptionDetails"]))
            case "Audits.issueAdded" if "contentSecurityPolicyIssueDetails" in event["params"]["issue"]["details"]:
                self.complaints.append(str(event["params"]["issue"]["details"]))


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser that is gone afterwards. Raises MissingPeer."""
    (events, told), (heard, commands) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        argv = [sys.executable, "-c", _PLUGGED, str(heard), str(told), program("chromium"), *_FLAGS]
        child = subprocess.Popen(
            [*argv, f"--user-data-dir={profile}"],
            pass_fds=(heard, told),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(heard)
        os.close(told)
        try:
            yield Browser(commands, events)
        finally:
            os.close(commands)
            os.close(events)
            child.terminate()
            child.wait(30)
