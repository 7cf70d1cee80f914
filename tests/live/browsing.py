"""The live page in headless Chromium: tabs, and what is looked at in them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from live.programs import PATIENCE
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from processes import ROOT

PICTURES = Path(ROOT, "build", "live")
MILLISECONDS = PATIENCE * 1000
LINE_HAS = """pixels => {
  const canvas = document.querySelector("#chart");
  const button = document.querySelector("#publish button");
  const [r, g, b] = getComputedStyle(button).backgroundColor.match(/\\d+/g);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    count += data[at] == r && data[at + 1] == g && data[at + 2] == b;
  }
  return count >= pixels;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        # As root there is no sandbox; nothing but our own page is opened.
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


class Tab:
    """A browser of somebody's own, with the live page in it."""

    def __init__(self, browser: Browser, address: str, name: str, script: str = "", **how: Any):
        self._context = browser.new_context(**how)
        self._context.set_default_timeout(MILLISECONDS)
        self.page: Page = self._context.new_page()
        self.errors: list[str] = []
        self.frames: list[str | bytes] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("websocket", self._listen)
        if script:
            self.page.add_init_script(script)
        self.page.goto(f"{address}/?name={name}")

    def _listen(self, socket: Any) -> None:
        socket.on("framereceived", lambda frame: self.frames.append(frame))

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._context.close()
        assert kind or not self.errors

    def see(self, place: str) -> Locator:
        return self.page.locator(place)

    def is_open(self) -> Tab:
        """Wait until it is connected, and has subscribed."""
        expect(self.see("#state-name")).to_have_text("OPEN")
        expect(self.see("#state")).to_have_attribute("data-state", "1")
        expect(self.see("#members .me")).to_be_visible()
        return self

    def join(self, channel: str) -> None:
        self.page.fill("#new-channel", channel)
        self.page.press("#new-channel", "Enter")
        expect(self.see("#current")).to_have_text(channel)
        expect(self.see("#members .me")).to_be_visible()

    def publish(self, text: str) -> None:
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def sees(self, text: str, who: str = "") -> None:
        """Wait until a message is the last one there."""
        last = self.see("#messages li").last
        expect(last.locator(".what")).to_have_text(text)
        if who:
            expect(last.locator(".who")).to_contain_text(who)

    def has_logged(self, text: str) -> None:
        expect(self.see("#log li").filter(has_text=text).first).to_be_visible()

    def picture(self, name: str) -> None:
        """Keep a picture of it, which has to show no more than fits its width."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def has_drawn(self, pixels: int) -> None:
        """Wait until the chart's line, which has the accent's colour, has so many pixels."""
        self.page.wait_for_function(LINE_HAS, arg=pixels)

    def milliseconds_there_and_back(self) -> float:
        expect(self.see("#round-trip")).to_have_text(re.compile(r"^[\d.]+ ms$"))
        return float((self.see("#round-trip").text_content() or "").removesuffix(" ms"))
