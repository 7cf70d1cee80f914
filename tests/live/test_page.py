"""The live page, driven in Chromium: what its reader sees when all is well, and when it is not."""

from __future__ import annotations

import signal
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from live.browsing import Tab, chromium
from live.programs import Server
from playwright.sync_api import Browser, expect

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """A server for tests that leave it as it is."""
    with Server("--node", "shared") as server:
        yield server


def test_published_in_one_tab_seen_in_another(browser: Browser, shared: Server) -> None:
    with Tab(browser, shared.page, "ada") as ada, Tab(browser, shared.page, "bob") as bob:
        for tab in (ada, bob):
            tab.is_open().join("news-of-today")
            expect(tab.see("#node")).to_have_text("shared")
            assert 0 < tab.milliseconds_there_and_back() < 10_000
        for tab in (ada, bob):
            expect(tab.see("#members li")).to_have_text(["ada", "bob"])
        ada.publish("Grüße, <b>世界</b> 🌍")
        for tab in (ada, bob):
            tab.sees("Grüße, <b>世界</b> 🌍", "ada")
        bob.publish("and back")
        ada.sees("and back", "bob")
        # Who leaves is gone from the others' lists, and hears nothing any more.
        bob.see("[data-channel=news-of-today] .leave").click()
        expect(ada.see("#members li")).to_have_text(["ada"])
        ada.publish("are you there?")
        ada.sees("are you there?")
        assert not any("are you there" in frame for frame in bob.frames if isinstance(frame, str))


def test_the_chart_is_drawn_from_binary_messages(browser: Browser, shared: Server) -> None:
    with Tab(browser, shared.page, "ada") as ada:
        ada.is_open()
        expect(ada.see("#connections")).to_have_text("1")
        ada.page.wait_for_function("document.querySelector('#share').textContent.endsWith('%')")
        before = ada.see("#chart").evaluate("canvas => canvas.toDataURL()")
        ada.page.wait_for_function(
            "before => document.querySelector('#chart').toDataURL() !== before", arg=before
        )
        ada.has_drawn(30)
        points = [struct.unpack("<6f", frame) for frame in ada.frames if isinstance(frame, bytes)]
    seconds = [second for second, *_ in points]
    assert len(seconds) > 2
    assert seconds == sorted(seconds)
    assert {connections for _, connections, *_ in points} == {1.0}


def test_a_killed_server_is_waited_for(browser: Browser) -> None:
    with (
        Server("--node", "phoenix") as server,
        Tab(browser, server.page, "ada") as ada,
        Tab(browser, server.page, "bob") as bob,
    ):
        for tab in (ada, bob):
            tab.is_open().join("attic")
        server.end(signal.SIGKILL)
        for tab in (ada, bob):
            tab.has_logged("closed with 1006, lost without a close frame")
            tab.has_logged("trying again in")
            expect(tab.see("#notice")).to_contain_text("Not connected (1006")
            expect(tab.see("#publish button")).to_be_disabled()
        ada.picture("lost")
        # A try that finds nobody is told too, and another one follows.
        ada.has_logged("Failed to fetch")
        server.start()
        for tab in (ada, bob):
            tab.is_open()
            expect(tab.see("#notice")).to_be_hidden()
            expect(tab.see("#members li")).to_have_text(["ada", "bob"])
        bob.publish("back again")
        ada.sees("back again", "bob")
        for channel in ("lobby", "news", "attic"):
            subscribed = ada.see("#log li").filter(has_text=f"subscribed to #{channel}")
            expect(subscribed).to_have_count(2)
        ada.has_drawn(30)


def test_close_codes_are_shown(browser: Browser) -> None:
    with Server("--max-connections", 1, "--burst", 12) as server:
        with Tab(browser, server.page, "ada") as ada:
            ada.is_open()
            with Tab(browser, server.page, "one too many") as other:
                other.has_logged("closed with 1013, try again later: too many connections")
            ada.page.evaluate("""() => {
              const form = document.querySelector("#publish");
              for (let number = 0; number < 20; number++) {
                form.elements.text.value = `spam ${number}`;
                form.requestSubmit();
              }
            }""")
            ada.has_logged("closed with 1008, policy violation: too many messages")
            ada.is_open()
            server.end()
            ada.has_logged("closed with 1012, service restart")
            # The list has scrolled to what came last, though the notice has made it shorter.
            expect(ada.see("#messages .what").last).to_be_in_viewport(ratio=1)
            ada.picture("restart")


@pytest.mark.slow
def test_a_server_that_hangs_is_left(browser: Browser) -> None:
    with Server() as server, Tab(browser, server.page, "ada") as ada:
        ada.is_open()
        server.process.send_signal(signal.SIGSTOP)
        ada.has_logged("closed with 1006, lost without a close frame: nothing was heard")
        server.process.send_signal(signal.SIGCONT)
        ada.is_open().publish("and on")
        ada.sees("and on")


def test_nothing_is_added_to_what_the_network_does_not_take(
    browser: Browser, shared: Server
) -> None:
    script = """
      const { get } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "bufferedAmount");
      Object.defineProperty(WebSocket.prototype, "bufferedAmount", {
        get() { return globalThis.stuck ? 100_000 : get.call(this); },
      });
    """
    with Tab(browser, shared.page, "ada", script) as ada:
        ada.is_open().publish("before")
        ada.sees("before")
        ada.page.evaluate("stuck = true")
        ada.publish("stuck")
        expect(ada.see("#notice")).to_have_text("The network does not keep up.")
        expect(ada.see("#unsent")).to_have_text("97.7 KiB")
        expect(ada.see("#text")).to_have_value("stuck")
        ada.page.evaluate("stuck = false")
        ada.publish("after")
        ada.sees("after")
        expect(ada.see("#messages .what")).to_have_text(["before", "after"])


def test_waits_grow_and_are_no_two_alike(browser: Browser, shared: Server) -> None:
    with Tab(browser, shared.page, "ada") as ada:
        waits = ada.page.evaluate("""async () => {
          const { waitBefore } = await import("./js/socket.js");
          const of = (random) => [0, 1, 2, 3, 4, 5, 6, 50].map((n) => waitBefore(n, random));
          return [of(() => 0), of(() => 1), new Set(of().concat(of())).size];
        }""")
    most = [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]
    assert waits == [[wait / 2 for wait in most], most, 16]


TALK = [
    ("ada", "Good morning! The new build is on the staging servers."),
    ("bob", "Saw it. The chart is smooth here, even over the phone."),
    ("cleo", "I pulled the plug of my access point for a minute: it came back by itself."),
    ("ada", "Then I'll drain the first server now. You should see a 1012."),
]


LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "tablet": {"viewport": {"width": 820, "height": 1180}},
    "phone": {"color_scheme": "light", **PHONE},
    "phone-dark": {"color_scheme": "dark", **PHONE},
}


@pytest.mark.parametrize("name", LOOKS)
def test_how_it_looks(name: str, browser: Browser) -> None:
    with (
        Server("--node", "one") as server,
        Tab(browser, server.page, "bob", **LOOKS[name]) as bob,
        Tab(browser, server.page, "ada") as ada,
        Tab(browser, server.page, "cleo") as cleo,
    ):
        tabs = {"ada": ada, "bob": bob, "cleo": cleo}
        for tab in tabs.values():
            tab.is_open()
        for who, text in TALK:
            tabs[who].publish(text)
            bob.sees(text, who)
        expect(bob.see("#members li")).to_have_text(["ada", "bob", "cleo"])
        bob.milliseconds_there_and_back()
        expect(bob.see("#connections")).to_have_text("3")
        bob.has_drawn(60)
        bob.picture(name)
        light = bob.page.evaluate("getComputedStyle(document.body).backgroundColor")
        bob.see("#theme").click()
        assert bob.page.evaluate("getComputedStyle(document.body).backgroundColor") != light
