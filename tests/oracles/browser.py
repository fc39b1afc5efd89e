"""A headless Chromium, spoken to by the Chrome DevTools Protocol over a pipe: what a page does, as its readers see it.

No driver and no download: Debian's `chromium` is started with `--remote-debugging-pipe`, and messages are JSON that end in a NUL.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0
"""Seconds until a browser that says nothing is given up; a busy machine is slow."""

KEYS = {
    "ArrowRight": 39, "ArrowLeft": 37, "ArrowDown": 40, "ArrowUp": 38, "PageDown": 34, "PageUp": 33, "Home": 36, "End": 35,
    "Escape": 27, "Enter": 13, "Tab": 9, " ": 32,
}  # fmt: skip


def chromium() -> str | None:
    """Where the browser is, if there is one."""
    return next(filter(None, map(which, NAMES)), None)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in a folder, gone afterwards."""
    found = Browser(folder)
    try:
        yield found
    finally:
        found.close()


class Browser:
    """The process, and the messages that it sent; each belongs to a page by its session."""

    def __init__(self, folder: Path) -> None:
        program = chromium()
        assert program is not None
        hear, self.write_to = os.pipe()
        self.read_from, speak = os.pipe()
        options = ["--headless=new", "--remote-debugging-pipe", f"--user-data-dir={folder}", "--no-sandbox", "--disable-gpu",
                   "--no-first-run", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
                   "--disable-popup-blocking", "--hide-scrollbars", "--force-color-profile=srgb", "about:blank"]  # fmt: skip

        def on_its_side() -> None:
            hear_high, speak_high = os.dup(hear), os.dup(speak)
            os.dup2(hear_high, 3)
            os.dup2(speak_high, 4)

        self.process = subprocess.Popen(
            [program, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=on_its_side,
            env=os.environ | {"HOME": str(folder)},
        )
        os.close(hear)
        os.close(speak)
        self.count = 0
        self.rest = b""
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        os.close(self.write_to)
        os.close(self.read_from)

    def send(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """What the browser answers; events that come before are kept."""
        self.count += 1
        number = self.count
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self.write_to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read(PATIENCE)
            assert answer is not None, f"{method}: no answer"
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return dict(answer["result"])
            self.events.append(answer)

    def read(self, seconds: float) -> dict[str, Any] | None:
        """The next message, or None where none comes in time."""
        end = time.monotonic() + seconds
        while b"\0" not in self.rest:
            if not select.select([self.read_from], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            piece = os.read(self.read_from, 1 << 20)
            assert piece, "the browser has gone"
            self.rest += piece
        message, _, self.rest = self.rest.partition(b"\0")
        return dict(json.loads(message))

    def page(self, width: int = 1280, height: int = 720) -> Page:
        """A new empty page of a size in CSS pixels."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        return Page(self, target, width, height)

    def targets(self) -> list[dict[str, Any]]:
        """The pages that are open."""
        return [target for target in self.send("Target.getTargets")["targetInfos"] if target["type"] == "page"]


class Page:
    """One page: what is asked of it, and what it said on its console or asked of the network."""

    def __init__(self, browser: Browser, target: str, width: int = 1280, height: int = 720) -> None:
        self.browser, self.target = browser, target
        self.session = browser.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.resize(width, height)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.send(method, self.session, **parameters)

    def resize(self, width: int, height: int) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, url: str) -> None:
        """Load an address, to the end."""
        self.browser.events.clear()
        self.send("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && document.fonts.ready.then(() => true)")

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript; a promise is waited for."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str) -> Any:
        """The value of an expression once it is true."""
        end = time.monotonic() + PATIENCE
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.02)
        return value

    def key(self, name: str, modifiers: int = 0) -> None:
        """Press a key and let it go."""
        code = KEYS.get(name, ord(name.upper()[0]))
        text = {"text": name} if len(name) == 1 else {"text": "\r"} if name == "Enter" else {}
        for kind, more in (("keyDown", text), ("keyUp", {})):
            self.send("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code, modifiers=modifiers, **more)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.send("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])

    def complaints(self) -> list[str]:
        """What the page wrote on its console, the errors in it, and every request but for itself and for data in it."""
        self.send("Runtime.evaluate", expression="0")
        out = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            match event["method"], event["params"]:
                case "Runtime.consoleAPICalled", {"args": args}:
                    out.append(f"console: {args}")
                case "Runtime.exceptionThrown", {"exceptionDetails": details}:
                    out.append(f"error: {details}")
                case "Log.entryAdded", {"entry": entry}:
                    out.append(f"log: {entry['text']}")
                case "Network.requestWillBeSent", {"request": {"url": url}, "type": kind} if not (
                    url.startswith("data:") or kind == "Document"
                ):
                    out.append(f"request: {url}")
        return out
