"""As much of a WebDriver client as the browser tests need, on chromedriver and nothing else."""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
DRIVER = shutil.which("chromedriver")
MISSING = None if CHROMIUM and DRIVER else "needs chromium and chromedriver on the path"
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Page:
    """One window of a headless Chromium."""

    def __init__(self, base: str, session: str) -> None:
        self._base = f"{base}/session/{session}"

    def open(self, path: Path) -> None:
        _call("POST", f"{self._base}/url", {"url": path.resolve().as_uri()})

    def script(self, body: str, *arguments: Any) -> Any:
        return _call(
            "POST", f"{self._base}/execute/sync", {"script": body, "args": list(arguments)}
        )

    def click(self, selector: str) -> None:
        """A real click, in the middle of the element, as a user's."""
        _call("POST", f"{self._base}/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        element = self._find(selector)
        _call("POST", f"{self._base}/element/{element}/clear", {})
        _call("POST", f"{self._base}/element/{element}/value", {"text": text})

    def resize(self, width: int) -> None:
        """Show the page as a device of that width would; windows cannot be so narrow."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        command = {"cmd": "Emulation.setDeviceMetricsOverride", "params": size}
        _call("POST", f"{self._base}/goog/cdp/execute", command)

    def log(self, kind: str) -> list[dict[str, Any]]:
        """`browser` (the console) or `performance` (what was fetched)."""
        entries: list[dict[str, Any]] = _call("POST", f"{self._base}/se/log", {"type": kind})
        return entries

    def requests(self) -> list[str]:
        """Addresses that the page asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        sent = [one for one in messages if one["method"] == "Network.requestWillBeSent"]
        return [one["params"]["request"]["url"] for one in sent]

    def _find(self, selector: str) -> str:
        found = _call("POST", f"{self._base}/element", {"using": "css selector", "value": selector})
        return str(found[_ELEMENT])


@contextlib.contextmanager
def browser(profile: Path, *, width: int, dark: bool = False) -> Iterator[Page]:
    """A headless Chromium of that window width, gone at the end."""
    assert DRIVER is not None
    process = subprocess.Popen(
        [DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        base = f"http://127.0.0.1:{_port(process)}"
        arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            f"--user-data-dir={profile}",
            f"--window-size={width},900",
            *(["--force-dark-mode"] if dark else []),
        ]
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": CHROMIUM, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        made = _call("POST", f"{base}/session", {"capabilities": {"alwaysMatch": capabilities}})
        try:
            yield Page(base, made["sessionId"])
        finally:
            _call("DELETE", f"{base}/session/{made['sessionId']}", None)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if "started successfully on port" in line:
            return int(line.strip().rstrip(".").rpartition(" ")[2])
    raise RuntimeError("chromedriver did not start")


def _call(method: str, url: str, body: Any) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    deadline = time.monotonic() + 60
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=max(1.0, deadline - time.monotonic())) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(json.load(error)["value"]["message"]) from None
