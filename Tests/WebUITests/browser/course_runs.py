"""The list of runs against a real node: filters in the address, live rows, keys, saved filters, export, not found."""

import csv
import io
import json
import re

from bed import Bed, expect

WAIT = "while [ ! -e {gate} ]; do sleep 0.05; done"


def names(page):
    return [text.strip() for text in page.locator(".runs-table .run-link .clip").all_inner_texts()]


def shows(bed, page, wanted, what):
    bed.until(lambda: names(page) == wanted, f"{what}: {wanted}, there are {names(page)}")


def fill(bed, gate):
    """Six runs of two lanes: three that went well, one that failed, one that waits at a gate, one behind it."""
    bed.api("POST", "/v1/sessions", {"name": "work", "lanes": [{"name": "A"}, {"name": "B"}]})
    for name in ["report-one", "report-two", "report-three"]:
        bed.run([("work", "true")], name=name, session="work", lane="A")
    bed.run([("boom", "echo wrong >&2; exit 3")], name="deploy", session="work", lane="A", key="acme")
    held = bed.run([("hold", WAIT.format(gate=gate))], name="index", session="work", lane="B", wait=False)
    bed.run([("work", "true")], name="after", session="work", lane="B", wait=False)
    bed.until(lambda: bed.api("GET", f"/v1/runs/{held['id']}")["status"] == "running", "the gate is waited at")


def filters(bed, page):
    """Statuses by click, Alt and menu; a text, a lane by its cell; all of it in the address, and what is hidden told."""
    shows(bed, page, ["after", "index", "deploy", "report-three", "report-two", "report-one"], "all, the newest first")
    page.get_by_role("button", name=re.compile("^Failed")).click()
    shows(bed, page, ["deploy"], "failed ones")
    expect("status=failed" in page.url, "the filter stands in the address")
    page.get_by_text("5 hidden by the filter").wait_for()
    page.locator(".runs-cause", has_text="boom").wait_for()
    page.get_by_role("button", name=re.compile("^Running")).click()
    shows(bed, page, ["index", "deploy"], "a click adds")
    bed.look(page, "runs-filtered")
    page.get_by_role("button", name="clear").click()
    page.get_by_role("button", name=re.compile("^Succeeded")).click(modifiers=["Alt"])
    shows(bed, page, ["after", "index", "deploy"], "with Alt all but those")
    page.get_by_role("button", name="More about statuses").click()
    page.get_by_role("menuitem", name="Only queued").click()
    shows(bed, page, ["after"], "only")
    page.get_by_role("button", name="clear").click()
    page.keyboard.press("/")
    page.keyboard.type("report")
    shows(bed, page, ["report-three", "report-two", "report-one"], "a text")
    page.keyboard.press("Escape")
    page.goto(bed.base + "/ui/runs?status=dead,running&since=15m")
    shows(bed, page, ["deploy"], "of words that do not go together the narrower holds")
    bed.until(lambda: "status=dead&" in page.url.replace("%2C", ","), "and the address says so")
    page.get_by_role("button", name=re.compile("^Queued")).click()
    shows(bed, page, ["after"], "a click lets go what does not go with it")
    page.get_by_role("button", name="clear").click()
    page.locator(".runs-table tr", has_text="deploy").get_by_title("Only this lane").click()
    shows(bed, page, ["deploy", "report-three", "report-two", "report-one"], "a lane")
    page.get_by_role("button", name="Take away: lane: A").click()
    page.get_by_label("Time", exact=True).select_option("15m")
    page.get_by_role("button", name="More filters").click()
    page.get_by_label("Key").fill("acme")
    page.get_by_label("Key").press("Enter")
    shows(bed, page, ["deploy"], "a key")
    expect("since=15m" in page.url and "key=acme" in page.url, "time and key stand in the address")
    page.reload()
    shows(bed, page, ["deploy"], "the address alone says it")


def saved(bed, page):
    """A filter is kept under a name, and is what the page begins with."""
    page.get_by_role("button", name="Saved").click()
    page.get_by_role("menuitem", name="Save this filter…").click()
    page.get_by_role("dialog").get_by_label("Name").fill("acme today")
    page.get_by_label("Begin with it when this page is opened").check()
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="clear").click()
    bed.until(lambda: len(names(page)) == 6, "all again")
    page.goto(bed.base + "/ui/runs")
    shows(bed, page, ["deploy"], "the page begins with it")
    page.get_by_role("button", name="Saved").click()
    page.get_by_role("menuitem", name="Begin with all runs").click()
    page.get_by_role("button", name="clear").click()
    bed.until(lambda: len(names(page)) == 6, "all again")


def live(bed, page, gate):
    """What is queued comes in from above, what ends says so, without a click."""
    bed.run([("work", "true")], name="late", session="work", lane="A", wait=False)
    page.locator(".runs-table tr.is-new", has_text="late").wait_for()
    row = page.locator(".runs-table tr", has_text="index")
    row.get_by_text("Running", exact=True).wait_for()
    gate.write_text("")
    row.get_by_text("Succeeded", exact=True).wait_for()
    page.locator(".runs-table tr", has_text="after").get_by_text("Succeeded", exact=True).wait_for()


def keys(bed, page):
    """j and k move, Space and x select, shift selects on, Escape lets go, Enter opens."""
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = lambda: page.evaluate("document.activeElement.textContent.trim()")
    expect(focused().startswith("after"), f"j goes to the next run, not {focused()}")
    page.keyboard.press("Space")
    page.get_by_text("1 run selected").wait_for()
    page.keyboard.press("Shift+j")
    page.keyboard.press("Shift+j")
    page.get_by_text("3 runs selected").wait_for()
    page.locator(".selection-bar").get_by_role("button", name="Cancel").wait_for()
    bed.look(page, "runs-selected")
    page.keyboard.press("k")
    expect(focused().startswith("index"), f"k goes back, not to {focused()}")
    page.keyboard.press("Escape")
    bed.until(lambda: page.locator(".runs-table tr.is-selected").count() == 0, "nothing is selected")
    page.locator(".runs-table input[type=checkbox]").nth(1).click()
    page.locator(".runs-table input[type=checkbox]").nth(4).click(modifiers=["Shift"])
    page.get_by_text("4 runs selected").wait_for()
    page.get_by_role("button", name="Select nothing").click()
    page.locator("a.run-link", has_text="deploy").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/runs/*")
    page.go_back()
    bed.until(lambda: len(names(page)) == 7, "back at the list")


def export(bed, page):
    """All that fit, as CSV and as JSON."""
    for kind, label in [("csv", "CSV, for spreadsheets"), ("json", "JSON, as the API gives it")]:
        page.keyboard.press("e")
        page.get_by_role("dialog").get_by_label(label).check()
        with page.expect_download() as download:
            page.get_by_role("dialog").get_by_role("button", name="Export").click()
        text = open(download.value.path(), encoding="utf-8", newline="").read()
        page.get_by_text("7 runs exported").first.wait_for()
        page.get_by_role("dialog").wait_for(state="hidden")
        if kind == "csv":
            expect(len(list(csv.reader(io.StringIO(text, newline="")))) == 8, "a line for each run, and one for the names")
            expect("step 'boom' failed" in text, "the failure stands in it")
        else:
            document = json.loads(text)
            expect([run["plan"] for run in document["runs"]][:2] == ["late", "after"], "the runs as the API gives them")


def many(bed, page):
    """Pages follow on demand, the place stays; who has scrolled is told of new runs, and shown them when wanted."""
    document = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "bulk"},
                "steps": [{"id": "work", "shell": {"argv": ["true"]}, "effects": "idempotent"}]}
    bed.api("POST", "/v1/sessions/work/lanes/B/pause", {})
    bed.api("POST", "/v1/runs/batch", {"runs": [{"plan": document, "session": "work", "lane": "B"}] * 250})
    bed.until(lambda: len(names(page)) == 100, "the newest hundred")
    page.locator("#main").evaluate("element => element.scrollTo({ top: 600 })")
    page.get_by_role("button", name="Load more").click()
    bed.until(lambda: len(names(page)) == 257, "the rest")
    expect(page.locator("#main").evaluate("element => element.scrollTop") > 300, "the place stays")
    bed.run([("work", "true")], name="newest", session="work", lane="A")
    page.get_by_role("button", name="1 new run").wait_for()
    expect(names(page)[0] == "bulk", "the rows do not jump away")
    page.get_by_role("button", name="1 new run").click()
    bed.until(lambda: names(page)[0] == "newest", "it is shown when it is wanted")
    away(bed, page)
    exported = f"{bed.folder}/picked.csv"
    page.get_by_label("Select all that are shown").check()
    page.get_by_text("258 runs selected").wait_for()
    page.locator(".runs-table tbody input").first.uncheck()
    page.get_by_text("257 runs selected").wait_for()
    page.keyboard.press("e")
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Export").click()
    download.value.save_as(exported)
    rows = list(csv.reader(open(exported, encoding="utf-8", newline="")))
    expect(len(rows) == 258, f"those that are selected are in the file, not {len(rows) - 1}")
    expect(rows[1][1] == "bulk" and rows[-1][1] == "report-one", "the newest first")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+a")
    page.get_by_text("All 258 that fit the filter are selected").wait_for()
    page.locator(".runs-table tbody input").first.uncheck()
    page.get_by_text("257 runs selected").wait_for()
    expect(page.locator(".runs-table tbody tr.is-selected").count() == 257, "the one that was taken out is spared")
    page.keyboard.press("Escape")


def away(bed, page):
    """What happened while the tab was hidden is seen when it is looked at again, below the beginning too."""
    see = """(state) => { Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange")); }"""
    page.evaluate(see, "hidden")
    link = page.locator("a.run-link").nth(200)
    run = link.get_attribute("data-run")
    bed.api("POST", f"/v1/runs/{run}/cancel", {})
    bed.ended(run)
    page.evaluate(see, "visible")
    page.locator(".runs-table tr", has=page.locator(f"[data-run='{run}']")).get_by_text("Cancelled", exact=True).wait_for()


def nothing(bed, page):
    """A filter that finds nothing says so, a parent that is not there too; a narrow screen shows what matters."""
    page.goto(bed.base + "/ui/runs?text=nowhere-to-be-found")
    page.get_by_text("No run is like that").wait_for()
    bed.look(page, "runs-nothing")
    bed.allow("404")
    page.goto(bed.base + "/ui/runs?parent=00000000000000000000000000")
    page.get_by_role("alert").wait_for()
    narrow = bed.page("/ui/runs", bed.new_context(viewport={"width": 390, "height": 800}))
    bed.until(lambda: len(names(narrow)) == 100, "the list on a phone")
    expect(narrow.evaluate("document.documentElement.scrollWidth") <= 390, "nothing is wider than the screen")
    bed.look(narrow, "runs-narrow")


with Bed() as bed:
    gate = bed.folder / "gate"
    page = bed.page("/ui/runs")
    page.get_by_text("No runs yet").wait_for()
    bed.look(page, "runs-empty")
    fill(bed, gate)
    filters(bed, page)
    saved(bed, page)
    live(bed, page, gate)
    bed.look(page, "runs")
    keys(bed, page)
    export(bed, page)
    many(bed, page)
    nothing(bed, page)
