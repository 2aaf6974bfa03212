"""A headless Chromium, spoken to over its DevTools protocol."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from tests.processes import running
from websockets.sync.client import ClientConnection, connect

__all__ = ["Browser", "Page", "chromium", "running_browser"]

LIMIT: Final = 60.0
"""Seconds for any one step; the machines of CI are slow at times."""
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
COMPLAINTS: Final = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")


def chromium() -> str:
    """Give the path of the browser; without one the test is skipped, and fails where `CI` is `true`."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    message = "there is no chromium on PATH: install it (Debian and Ubuntu: apt-get install chromium)"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


Take = Callable[[dict[str, Any]], None]


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.complaints: list[str] = []
        self._loaded = False
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the tab and give its result."""
        return self._browser.call(method, parameters, self._session, self._take)

    def _take(self, message: dict[str, Any]) -> None:
        if message["method"] in COMPLAINTS:
            self.complaints.append(json.dumps(message["params"])[:500])
        self._loaded = self._loaded or message["method"] == "Page.loadEventFired"

    def evaluate(self, expression: str) -> Any:
        """Give the value of a JavaScript expression, awaited where it is a promise."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def open(self, path: Path, *, width: int, height: int, dark: bool, printed: bool = False) -> None:
        """Show a file in a window of this size and colour scheme."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Emulation.setEmulatedMedia", media="print" if printed else "", features=[scheme])
        self._loaded = False
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._browser.listen(self._take)


class Browser:
    """A running browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0

    def call(
        self, method: str, parameters: dict[str, Any], session: str = "", take: Take | None = None
    ) -> dict[str, Any]:
        """Call a method and give its result; events meanwhile go to `take`."""
        self._number += 1
        request = {"id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps({**request, "sessionId": session} if session else request))
        while True:
            message = json.loads(self._socket.recv(timeout=LIMIT))
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                result: dict[str, Any] = message["result"]
                return result
            if take is not None and "method" in message:
                take(message)

    def listen(self, take: Take) -> None:
        """Wait for the next event and give it to `take`."""
        take(json.loads(self._socket.recv(timeout=LIMIT)))

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Open a tab, and close it at the end."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        try:
            yield Page(self, session)
        finally:
            self.call("Target.closeTarget", {"targetId": target})


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start the browser, without a sandbox, for tests run as root in containers."""
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
    with TemporaryDirectory(prefix="signalproof-", ignore_cleanup_errors=True) as profile:
        command = [chromium(), *options, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
        with running(*command, folder=Path(profile)) as process:
            while (found := re.search(r"ws://\S+", process.line(LIMIT))) is None:
                assert process.poll() is None, "the browser did not start"
            with connect(found[0], max_size=None, open_timeout=LIMIT, proxy=None) as socket:
                yield Browser(socket)
