# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The use of a report's page in a real browser."""

from __future__ import annotations

import re

import pytest
from ansible_collections.publica.la.plugins.module_utils.errors import escape_control
from ansible_collections.publica.la.plugins.plugin_utils.report.wording import LANGUAGES
from playwright.sync_api import Page, expect

import samples
from conftest import Opener

ROWS = "[data-rows=changes] tbody tr"
NARROW = {"width": 390, "height": 844}


def users(page: Page) -> list[str]:
    return page.locator(f"{ROWS} .who").all_inner_texts()


def many(open_report: Opener, number: int) -> Page:
    return open_report(samples.report({"north": samples.result(samples.many(number))})).page


@pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
def test_hostile_values_stay_text(open_report: Opener, viewport: dict[str, int] | None) -> None:
    stores = {text: samples.hostile() for text in samples.HOSTILE[:4]}
    watched = open_report(samples.report(stores), **({"viewport": viewport} if viewport else {}))
    page = watched.page

    page.locator("[data-rows=changes] .pager select").select_option("0")
    page.locator("[data-rows=ending] .pager select").select_option("0")

    each = 2 * len(samples.HOSTILE)
    expect(page.locator(ROWS)).to_have_count(4 * each)
    shown = page.locator(f"{ROWS} .who bdi").evaluate_all("all => all.map(one => one.textContent)")
    assert shown[:each:2] == [escape_control(text) for text in samples.HOSTILE]
    assert page.locator("img, iframe, object, b, a[href^=javascript]").count() == 0
    assert page.locator("script").count() == 2
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) == 0
    watched.assert_quiet()


CLIPPED = """() => [...document.querySelectorAll("body *")].filter(one => {
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const frame = (one.closest(".card, .tile") || document.body).getBoundingClientRect();
  if (one.closest(".visually-hidden, .skip, svg") || !box.width || style.position === "absolute")
    return false;
  const clips = style.overflowX !== "visible" || style.textOverflow === "ellipsis";
  return box.right > frame.right + 1 || box.left < frame.left - 1
    || (clips && one.tagName !== "SELECT" && one.scrollWidth > one.clientWidth + 1);
}).map(one => `${one.tagName}.${one.className}: ${one.textContent.slice(0, 60)}`)"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_cut_off(open_report: Opener, language: str) -> None:
    """Of long names, addresses and numbers; on a phone, the page does not scroll sideways."""
    page = open_report(samples.of_long_values(), language).page
    page.locator("#seats summary").first.click()

    for width in (320, 400, 700, 1280):
        page.set_viewport_size({"width": width, "height": 800})

        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
        assert page.evaluate(CLIPPED) == []
        # The numbers of a store have their labels also where there is no heading.
        label = page.locator("#stores td.num").first
        content = label.evaluate("one => getComputedStyle(one, '::before').content")
        assert (content != "none") == (width < 1180)


def test_a_dry_run_says_what_would_be(open_report: Opener) -> None:
    stores = {"north": samples.result(samples.many(10)), "south": samples.result()}
    page = open_report(samples.report(stores, "provision")).page

    expect(page.locator("h1")).to_have_text(
        "Dry run: nothing was written. 10 users in 1 store would change."
    )
    expect(page.locator(".details")).to_contain_text("The run needs 18 requests.")
    heads = page.locator("#stores thead th").all_inner_texts()
    assert heads[3:7] == [
        f"Would be {outcome}" for outcome in ("created", "updated", "reactivated", "deactivated")
    ]
    expect(page.locator("#stores tbody tr").first).to_contain_text("Would change")
    # Of the ten, one is not in the inventory.
    expect(page.locator(".tile-drifted")).to_contain_text("9 of 210 in the inventory, 1 not in it")
    text = page.locator("body").inner_text()
    assert not re.search(r"(?<!be )(created|updated|reactivated)", text)


def test_each_line_of_a_message_is_a_line_of_its_own(open_report: Opener) -> None:
    page = open_report(samples.of_several_lines()).page

    failure, _users_failed, warning = page.locator(".notice").all()
    for notice in (failure, warning):
        assert notice.locator("p").all_text_contents()[1:] == samples.LINES
    assert page.locator(f"{ROWS} .error").all_text_contents() == samples.LINES


def test_the_page_sends_no_request_and_stores_nothing(open_report: Opener) -> None:
    watched = open_report(samples.of_every_kind())
    page = watched.page
    page.locator(".filters [name=text]").fill("reader")
    watched.assert_quiet()

    refused = page.evaluate(
        """() => new Promise(resolve => {
          document.addEventListener("securitypolicyviolation",
            event => resolve(event.effectiveDirective));
          fetch("http://127.0.0.1:9/").catch(() => {});
        })"""
    )

    assert refused == "connect-src"
    assert page.evaluate("document.cookie + localStorage.length + sessionStorage.length") == "00"


def test_thousands_of_rows_are_shown_in_pages(open_report: Opener) -> None:
    page = many(open_report, 2000)
    pager = page.locator("[data-rows=changes] .pager")
    expect(page.locator(ROWS)).to_have_count(25)
    expect(pager.get_by_role("status")).to_have_text("1 to 25 of 2,000")
    expect(pager.get_by_role("button", name="Previous")).to_be_disabled()

    pager.get_by_role("button", name="Next").click()

    expect(pager.get_by_role("status")).to_have_text("26 to 50 of 2,000")
    assert users(page)[0] == "reader.00025@example.org"
    pager.locator("select").select_option("0")
    expect(page.locator(ROWS)).to_have_count(2000)
    expect(pager.get_by_role("button", name="Next")).to_be_disabled()


def test_rows_are_filtered_by_text_store_action_and_state(open_report: Opener) -> None:
    page = open_report(samples.of_every_kind()).page
    status = page.locator("[data-rows=changes] .pager").get_by_role("status")

    page.get_by_label("Search").fill("READER.00007")
    assert users(page) == ["reader.00007@example.org"]
    page.get_by_role("button", name="Clear").click()
    expect(status).to_have_text("1 to 25 of 66")
    page.locator(".filters [name=status]").select_option(label="failed")
    assert users(page) == ["broken@example.org"]
    page.get_by_role("button", name="Clear").click()
    page.locator(".filters [name=action]").select_option(label="log out")
    expect(status).to_have_text("1 to 12 of 12")
    page.locator(".filters [name=store]").select_option(label="guarded")
    expect(status).to_have_text("No user matches.")
    page.locator(".filters [name=action]").select_option(index=0)
    expect(status).to_have_text("1 to 3 of 3")


def test_a_column_sorts_in_both_directions(open_report: Opener) -> None:
    page = many(open_report, 300)
    head = page.locator("[data-rows=changes]").get_by_role("columnheader", name="User")

    assert head.get_attribute("aria-sort") == "none"
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button").click()

    assert head.get_attribute("aria-sort") == "descending"
    assert users(page)[0] == "reader.00299@example.org"
    other = page.locator("[data-rows=changes]").get_by_role("columnheader", name="Action")
    other.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "none"


def test_the_plan_that_ends_first_is_shown_first(open_report: Opener) -> None:
    page = many(open_report, 3)

    days = page.locator("[data-rows=ending] td.num").all_inner_texts()

    assert [day.split()[-1] for day in days] == ["0", "12", "30", "31", "90"]
    assert page.locator("#ending dd").all_inner_texts() == ["3", "5"]


def test_the_page_can_be_used_with_the_keyboard(open_report: Opener) -> None:
    page = many(open_report, 100)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "text"
    page.keyboard.type("reader")

    reached = []
    for _press in range(12):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.innerText || document.activeElement.name")
        reached.append(str(focused).strip().splitlines()[0])
        if focused.startswith("User"):
            page.keyboard.press("Enter")
        if focused == "Next":
            page.keyboard.press("Space")

    assert "Clear" in reached
    heads = page.locator("[data-rows=changes] th[aria-sort=ascending]")
    assert heads.all_inner_texts() == ["User"]
    expect(page.locator("[data-rows=changes] [role=status]")).to_have_text("26 to 50 of 100")


@pytest.mark.parametrize(
    ("presses", "focused"),
    [(["Next"], "Next"), (["Next", "Next"], "Previous"), (["Next", "Previous"], "Next")],
)
def test_the_pager_keeps_the_keyboard_focus(
    open_report: Opener, presses: list[str], focused: str
) -> None:
    page = many(open_report, 60)
    for name in presses:
        page.locator("[data-rows=changes]").get_by_role("button", name=name).press("Enter")

    expect(page.locator("[data-rows=changes]").get_by_role("button", name=focused)).to_be_focused()


def test_all_rows_are_printed(open_report: Opener) -> None:
    page = many(open_report, 120)
    page.get_by_label("Search").fill("example")
    page.locator("[data-rows=changes]").get_by_role("button", name="Next").click()
    # The browser dispatches these events itself.
    page.evaluate("""() => {
      window.printed = [];
      const rows = () => document.querySelectorAll("[data-rows=changes] tbody tr").length;
      window.addEventListener("beforeprint", () => window.printed.push(rows()));
    }""")

    pdf = page.pdf()

    assert pdf.startswith(b"%PDF")
    assert page.evaluate("window.printed") == [120]
    expect(page.locator(ROWS)).to_have_count(25)
    expect(page.locator("[data-rows=changes] [role=status]")).to_have_text("26 to 50 of 120")


def test_a_page_without_differences(open_report: Opener) -> None:
    watched = open_report(samples.report({"north": samples.result(), "south": samples.result()}))

    declared = "In 2 stores, everything is as the inventory declares."
    expect(watched.page.locator("h1")).to_have_text(f"Audit: nothing was written. {declared}")
    expect(watched.page.locator("#changes .empty")).to_contain_text(declared)
    expect(watched.page.locator("#changes .empty svg")).to_be_visible()
    assert watched.page.locator(".filters").count() == 0
    watched.assert_quiet()


def test_users_that_were_not_read_are_not_shown_as_compared(open_report: Opener) -> None:
    nothing = open_report(samples.report({"north": samples.of_record()}, "provision")).page

    expect(nothing.locator("h1")).to_have_text(
        "Dry run: nothing was written. No user would change."
    )
    expect(nothing.locator(".details")).to_have_text("90 unchanged users were not read.")
    expect(nothing.locator("#stores thead")).to_contain_text("Unchanged Of these, not read Kept")
    expect(nothing.locator("#stores tbody tr")).to_contain_text("As last applied")
    expect(nothing.locator("#stores")).to_contain_text(
        "Last complete comparison: 23 Nov 2026, 02:00 UTC."
    )
    expect(nothing.locator(".tile-drifted")).to_contain_text("90 not read")
    expect(nothing.locator("#changes .empty")).to_contain_text("90 unchanged users were not read.")
    assert nothing.locator("#changes .empty svg").count() == 0

    left = samples.leaver("leaver@example.org")
    page = open_report(samples.report({"north": samples.of_record([left], unverified=0)})).page

    expect(page.locator(ROWS)).to_contain_text("no longer in the inventory")
    expect(page.locator("#stores thead")).not_to_contain_text("not read")


def test_unknown_seats_are_shown_with_the_option_that_counts_them(open_report: Opener) -> None:
    page = open_report(samples.report({"north": {**samples.result(), "seats": None}})).page

    expect(page.locator(".tile-active")).to_contain_text("unknown")
    for place in (".tile-active", "#seats", "#ending"):
        expect(page.locator(place)).to_contain_text("publica_users_count_seats")


def test_without_javascript_the_page_names_the_other_files(open_report: Opener) -> None:
    report = samples.report({"north": samples.result(samples.many(3))})
    page = open_report(report, java_script_enabled=False).page

    expect(page.locator("#changes noscript p")).to_be_visible()
    assert page.locator("#stores tbody tr").count() == 1
