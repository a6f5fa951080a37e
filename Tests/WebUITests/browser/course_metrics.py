"""Metrics: charts and tables of how runs came out, read with keys and as tables; numbers lead to their runs."""

from urllib.parse import parse_qs, urlsplit

from bed import Bed, expect

PLAN = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "mixed"}, "retry": {"max_attempts": 1},
        "inputs": {"code": {"type": "integer", "default": 0}},
        "steps": [{"id": "go", "effects": "none", "shell": {"argv": ["sh", "-c", "exit {{ inputs.code }}"]}}]}


def figure(page, name):
    return page.locator(".figure", has_text=name).locator(".figure-value")


def counted(bed, page):
    """What ended is counted, in all, by lane and by template, and follows what ends."""
    bed.until(lambda: figure(page, "Ended").inner_text() == "6", "all that ended are counted")
    expect(figure(page, "Failed").inner_text() == "2", "the failed ones too")
    expect(figure(page, "Success").inner_text() == "66.7 %", "and their share")
    row = page.get_by_role("region", name="By template").locator("tbody tr").first
    expect(row.locator("td").nth(3).inner_text() == "2", "by template")
    bed.look(page, "metrics")
    bed.ended(bed.api("POST", "/v1/runs", {"template": "mixed"})["id"])
    bed.until(lambda: figure(page, "Ended").inner_text() == "7", "a run that ends is counted by itself", 30)


def read_by_keys(bed, page):
    """A chart is read with arrow keys, and as a table."""
    canvas = page.get_by_role("img", name="Runs that ended")
    canvas.focus()
    page.keyboard.press("End")
    tip = page.locator(".chart-tip")
    tip.get_by_text("Succeeded").wait_for()
    expect("5" in tip.inner_text() and "2" in tip.inner_text(), f"the last bucket is told: {tip.inner_text()}")
    page.keyboard.press("Escape")
    bed.until(lambda: tip.count() == 0, "Esc closes it")
    page.locator(".chart", has_text="Runs that ended").get_by_role("button", name="Table").click()
    first = page.get_by_role("region", name="Runs that ended as a table").locator("tbody tr").first
    expect(first.locator("td").nth(1).inner_text() == "5", "the table says the same")
    bed.look(page, "metrics-table")


def led(bed, page):
    """The time stands in the address; a number leads to the runs that it counts."""
    page.get_by_role("button", name="1 hour").click()
    page.wait_for_url("**hours=1")
    page.get_by_role("region", name="By lane").get_by_role("link", name="default").click()
    page.wait_for_url("**session=default**")
    page.get_by_role("button", name="Take the filter lane").click()
    bed.until(lambda: "lane=" not in page.url, "a filter can be taken away")
    figure(page, "Failed").click()
    page.wait_for_url("**/ui/runs?**")
    asked = parse_qs(urlsplit(page.url).query)
    expect(asked["status"] == ["failed,timed_out"] and asked["by"] == ["finished"], f"the list is filtered: {asked}")
    expect(asked["from"][0].endswith((":00Z", ":00.000Z")) and "to" in asked and "since" not in asked,
           f"it is of the time that was counted, from where its first bucket begins: {asked}")
    bed.until(lambda: page.locator("tbody tr").count() == 2, "and shows those two")


def queued(bed, page):
    """What is queued leads to its runs, and is not told of one template alone."""
    bed.api("POST", "/v1/sessions/default/lanes/A/pause", {})
    bed.api("POST", "/v1/runs", {"template": "mixed"})
    page.goto(f"{bed.base}/ui/metrics?session=default")
    bed.until(lambda: figure(page, "Queued now").inner_text() == "1", "one waits")
    expect("session=default" in figure(page, "Queued now").get_attribute("href"), "its link is as narrow as the figure")
    page.get_by_role("region", name="By template").get_by_role("link", name="mixed").click()
    page.get_by_text("Queues are counted by lane").wait_for()
    expect(page.locator(".figure", has_text="Queued now").count() == 0, "a template has no queue")
    page.get_by_role("button", name="Take the filter template").click()
    bed.until(lambda: figure(page, "Queued now").inner_text() == "1", "without it the queue is told again")


def main():
    with Bed() as bed:
        page = bed.page("/ui/metrics")
        page.get_by_text("Nothing ended in this time").wait_for()
        bed.api("PUT", "/v1/templates/mixed", {"plan": PLAN, "title": "Sometimes fails"})
        for code in [0, 0, 1, 0, 2, 0]:
            bed.ended(bed.api("POST", "/v1/runs", {"template": "mixed", "inputs": {"code": code}})["id"])
        page.reload()
        counted(bed, page)
        read_by_keys(bed, page)
        led(bed, page)
        queued(bed, page)


main()
