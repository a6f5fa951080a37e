"""A log of 200,000 lines: followed while it comes, searched whole, filtered, linked to, downloaded."""

import re

from bed import Bed, expect

LINES = 200_000
# Lines with levels and colours; every thousandth is a failure.
PRINT = r"""awk 'BEGIN { for (i = 1; i <= %d; i++) {
  if (i %% 1000 == 0) printf "\033[1;31mERROR\033[0m request %%d failed: \033[33mtimeout\033[0m\n", i;
  else if (i %% 97 == 0) printf "WARN slow answer %%d ms\n", i;
  else if (i %% 331 == 0) printf "INFO long %%0600d\n", i;
  else printf "INFO \033[38;5;%%dmrequest\033[0m %%d done\n", i %% 256, i } }'""" % LINES
# More than one answer holds, though fewer lines than are asked for.
WIDE = 1200
PRINT_WIDE = r"""awk 'BEGIN { for (i = 1; i <= %d; i++) printf "%%d %%09000d\n", i, i }'""" % WIDE
FOLLOW = "n=0; while [ ! -e {gate} ]; do n=$((n+1)); echo \"tick $n\"; sleep 0.05; done; echo over >&2"
# A log this long is read by a program that may be built for debugging.
SECONDS = 90


def seen(page):
    """The numbers of the lines that stand there whole, and their texts."""
    return page.evaluate("""() => {
      const frame = document.querySelector(".log-scroller")?.getBoundingClientRect();
      return !frame ? [] : [...document.querySelectorAll(".log-row:not(.is-missing)")].filter((row) => {
        const own = row.getBoundingClientRect();
        return own.top >= frame.top - 1 && own.bottom <= frame.bottom + 1;
      }).map((row) => [".log-number", ".log-text"].map((part) => row.querySelector(part).textContent))
        .map(([number, text]) => [Number(number), text]);
    }""")


def is_whole(page):
    """Whether every line in sight has come."""
    return bool(seen(page)) and page.locator(".log-row.is-missing").count() == 0


def foot(page):
    """How many lines the viewer knows of."""
    return int(re.sub(r"\D", "", page.locator(".log-count").inner_text()) or 0)


def shows(bed, page, line, what):
    """Waits until a line is in sight."""
    bed.until(lambda: any(number == line for number, _ in seen(page)), f"{what}: line {line} is not in sight", SECONDS)


def follows(bed, page):
    """It stays at the end while lines come, lets go when one scrolls up, and takes up again."""
    button = page.locator(".log-follow")
    bed.until(lambda: any(text.startswith("tick") for _, text in seen(page)), "the newest lines are followed", SECONDS)
    first = seen(page)[-1][0]
    bed.until(lambda: seen(page)[-1][0] > first + 5, "following goes on")
    expect("Following" in button.inner_text(), "the button does not say that it follows")
    page.locator(".log-scroller").hover()
    page.mouse.wheel(0, -2000)
    bed.until(lambda: button.get_attribute("aria-pressed") == "false", "scrolling up lets go")
    bed.until(lambda: is_whole(page), "lines are drawn where it was scrolled to")
    top = seen(page)[0][0]
    newer = page.locator(".log-newer")
    newer.wait_for()
    expect(seen(page)[0][0] == top, "lines move under the eyes of who reads them")
    newer.click()
    bed.until(lambda: button.get_attribute("aria-pressed") == "true", "it follows again")
    page.keyboard.press("f")
    bed.until(lambda: button.get_attribute("aria-pressed") == "false", "f lets go")
    page.keyboard.press("f")
    last = seen(page)[-1][0]
    bed.until(lambda: seen(page)[-1][0] > last + 3, "f takes up again")


def searches(bed, page):
    """All lines are searched, counted and gone through; an expression; case; only what was found."""
    hits = page.locator(".log-hits")
    page.keyboard.press("/")
    page.keyboard.type("failed: timeout")
    bed.until(lambda: hits.inner_text() == "200 lines", f"200 hits, it says {hits.inner_text()!r}", SECONDS)
    page.keyboard.press("Enter")
    shows(bed, page, 1000, "the first hit")
    expect(hits.inner_text() == "1 / 200", f"the place among the hits: {hits.inner_text()}")
    marks = page.locator(".is-current mark").all_inner_texts()
    expect(marks == ["failed: ", "timeout"], f"the hit is marked across colours: {marks}")
    page.locator(".log-scroller").focus()
    page.keyboard.press("n")
    shows(bed, page, 2000, "n goes on")
    page.keyboard.press("Shift+N")
    page.keyboard.press("Shift+N")
    shows(bed, page, 200_000, "N goes back, round the beginning")
    bed.look(page, "log-search")
    field = page.get_by_label("Search all lines")
    field.fill(r"request 1\d5000 FAILED")
    page.get_by_label("Regular expression").click()
    bed.until(lambda: hits.inner_text() == "10 lines", f"10 hits of an expression, {hits.inner_text()!r}", SECONDS)
    page.get_by_label("Match case").click()
    bed.until(lambda: hits.inner_text() == "0 lines", f"none with its case, {hits.inner_text()!r}", SECONDS)
    page.get_by_label("Match case").click()
    bed.allow("q=%28")
    field.fill("(")
    page.locator(".log-strip.is-warning").wait_for()
    field.fill(r"request 1\d5000 failed")
    bed.until(lambda: hits.inner_text() == "10 lines", "ten again", SECONDS)
    page.get_by_label("Show only lines that match").click()
    bed.until(lambda: [number for number, _ in seen(page)] == [105_000 + at * 10_000 for at in range(10)],
              f"only what was found: {seen(page)}", SECONDS)
    page.get_by_label("Lines around each match").select_option("2")
    bed.until(lambda: [number for number, _ in seen(page)][:5] == [105_000, 105_001, 105_002, 114_998, 114_999],
              "two lines around, the first one where it was", SECONDS)
    expect("only=2" in page.url and "regex=1" in page.url, f"the search is not in the address: {page.url}")
    bed.look(page, "log-only")
    page.get_by_role("button", name="Show all lines").click()
    field.fill("request 77000 failed")
    field.press("Enter")
    shows(bed, page, 77_000, "Enter leads there, however soon it is pressed")
    field.fill("")
    bed.until(lambda: "q=" not in page.evaluate("location.search"), "the search is gone from the address")


def filters(bed, page):
    """Levels and sources; what is hidden is counted and can be had back."""
    total = foot(page)
    page.get_by_role("button", name="Errors").click()
    strip = page.locator(".log-strip", has_text="hidden by filter")
    bed.until(lambda: f"{total - 200:,} lines hidden" in strip.inner_text().replace("\n", " "),
              "hidden lines are counted", SECONDS)
    page.locator(".log-scroller").focus()
    page.keyboard.press("Home")
    bed.until(lambda: [number for number, _ in seen(page)][:3] == [1000, 2000, 3000], "only errors are there", SECONDS)
    expect("level=error" in page.url, "the filter is not in the address")
    with page.expect_download() as got:
        page.get_by_label("Download").click()
        page.get_by_role("menuitem", name=re.compile("What is shown")).click()
    lines = open(got.value.path(), encoding="utf-8").read().splitlines()
    expect(len(lines) == 200 and "request 1000 failed" in lines[0], f"the view downloaded: {len(lines)} lines")
    strip.get_by_role("button", name="Clear").click()
    bed.until(lambda: strip.count() == 0, "nothing is hidden any more", SECONDS)
    page.get_by_label("Output", exact=True).select_option("stderr")
    bed.until(lambda: [text for _, text in seen(page)] == ["over"], "one line of the other output", SECONDS)
    output = page.get_by_label("Output", exact=True)
    output.select_option("")
    output.select_option("stderr")
    page.locator(".log-strip", has_text="hidden by filter").get_by_role("button").click()
    bed.until(lambda: output.input_value() == "", "the cleared filter is cleared in its select")


def links(bed, page, run):
    """A line has an address, a range has; the keyboard goes to the ends and to a line."""
    page.goto(f"{bed.base}/ui/runs/{run}?tab=log#L123456")
    shows(bed, page, 123_456, "the line of the address")
    page.locator(".log-strip", has_text="Line 123,456").wait_for()
    page.locator(".log-row", has_text=re.compile("^123458")).locator(".log-number").click(modifiers=["Shift"])
    expect(page.url.endswith("#L123456-L123458"), f"the range is not in the address: {page.url}")
    page.get_by_role("button", name="Copy text").click()
    bed.until(lambda: page.evaluate("navigator.clipboard.readText()").count("request") == 3, "three lines are copied")
    # As where the page came without TLS from another machine.
    page.evaluate("""Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true })""")
    page.get_by_role("button", name="Copy link").click()
    page.locator(".toast", has_text="Link copied").wait_for()
    page.evaluate("delete navigator.clipboard")
    expect(page.evaluate("navigator.clipboard.readText()") == page.url, "the link is not copied without a clipboard object")
    page.locator(".log-scroller").focus()
    page.keyboard.press("End")
    bed.until(lambda: seen(page) and seen(page)[-1][1] == "over", "End is the end", SECONDS)
    page.keyboard.press("Home")
    shows(bed, page, 1, "Home is the beginning")
    page.keyboard.press(":")
    page.locator("dialog input").fill("77777")
    page.keyboard.press("Enter")
    shows(bed, page, 77_777, "the line that was asked for")
    page.keyboard.press("w")
    bed.until(lambda: page.locator(".log-scroller.is-wrapped").count() == 1, "w wraps")
    shows(bed, page, 77_777, "wrapped, it is still there")
    page.locator(".log-scroller").evaluate("(scroller) => scroller.scrollBy(0, 4000)")
    bed.until(lambda: seen(page) and seen(page)[0][0] > 77_777, "wrapped lines scroll", SECONDS)
    rows = page.locator(".log-row").evaluate_all(
        "(all) => all.map((row) => row.getBoundingClientRect()).map((own) => [own.top, own.bottom])")
    expect(all(abs(one[1] - other[0]) < 1 for one, other in zip(rows, rows[1:])), "wrapped lines overlap")
    page.keyboard.press("t")
    page.locator(".log-time").first.wait_for()
    page.keyboard.press("Shift+F")
    page.locator(".log.is-full").wait_for()
    bed.look(page, "log-full")
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.keyboard.press("t")
    with page.expect_download() as got:
        page.get_by_label("Download").click()
        page.get_by_role("menuitem", name=re.compile(r"All lines \(")).click()
    with open(got.value.path(), encoding="utf-8") as file:
        count = sum(1 for _ in file)
    expect(count == foot(page), f"all downloaded: {count} of {foot(page)} lines")


def leaves(bed, page, run):
    """What is typed on leaving does not come after."""
    page.goto(f"{bed.base}/ui/runs/{run}?tab=log")
    page.get_by_label("Search all lines").fill("late")
    page.get_by_role("link", name="Runs", exact=True).first.click()
    page.wait_for_url("**/ui/runs")
    page.wait_for_timeout(400)
    expect("late" not in page.url, f"the search came after: {page.url}")


def wide(bed, page, run):
    """Long lines are all there, though an answer holds few of them."""
    page.goto(f"{bed.base}/ui/runs/{run}?tab=log")
    bed.until(lambda: foot(page) == WIDE, f"all long lines, {foot(page)} are known of", SECONDS)
    bed.until(lambda: "more" not in page.locator(".log-count").inner_text(), "they are counted", SECONDS)
    page.locator(".log-row").first.wait_for()
    page.locator(".log-scroller").focus()
    page.keyboard.press("End")
    bed.until(lambda: seen(page) and seen(page)[-1][0] == WIDE and seen(page)[-1][1].startswith(f"{WIDE} 0"),
              "the last long line is read", SECONDS)


def main():
    with Bed() as bed:
        gate = bed.folder / "gate"
        run = bed.run([("print", PRINT), ("tail", FOLLOW.format(gate=gate))], name="long-log", wait=False)["id"]
        bed.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = bed.page(f"/ui/runs/{run}?tab=log")
        bed.until(lambda: foot(page) > 10_000, "lines come while the run is under way", SECONDS)
        bed.until(lambda: foot(page) > LINES, "all lines come", SECONDS)
        follows(bed, page)
        bed.look(page, "log-follow")
        gate.touch()
        bed.ended(run)
        bed.until(lambda: seen(page)[-1][1] == "over", "the last line comes by itself")
        searches(bed, page)
        filters(bed, page)
        links(bed, page, run)
        leaves(bed, page, run)
        wide(bed, page, bed.run([("wide", PRINT_WIDE)], name="wide-log")["id"])
        page.goto(f"{bed.base}/ui/runs/{run}?tab=log")
        page.set_viewport_size({"width": 390, "height": 844})
        page.locator(".log-row").first.wait_for()
        bed.look(page, "log-phone")


main()
