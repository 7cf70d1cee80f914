"""The live page over TLS, through nginx: it stays with its server, and moves when that ends."""

from __future__ import annotations

from pathlib import Path

from live.browsing import Tab, chromium
from live.system import running
from playwright.sync_api import expect


def test_a_page_moves_to_the_other_server(tmp_path: Path) -> None:
    with running(tmp_path) as system, chromium() as browser:
        # The certificate is its own issuer, and no browser trusts that.
        with Tab(browser, system.address, "ada", ignore_https_errors=True) as ada:
            ada.is_open()
            first = ada.see("#node").text_content() or ""
            (other,) = {"one", "two"} - {first}
            for _ in range(3):
                ada.page.reload()
                ada.is_open()
                expect(ada.see("#node")).to_have_text(first)
            with system.person("bob", system.cookie_for(other)).join("lobby") as bob:
                expect(ada.see("#members li")).to_have_text(["ada", "bob"])
                system.servers[first].end()
                ada.has_logged("closed with 1012, service restart")
                ada.has_logged(f"connected to server {other}")
                ada.is_open()
                bob.publish("lobby", "is anybody there?")
                ada.sees("is anybody there?", "bob")
                ada.publish("here, on the other server")
                said = bob.until("message", name="ada")
                assert said["text"] == "here, on the other server"
