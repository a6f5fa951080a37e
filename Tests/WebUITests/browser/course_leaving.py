"""Pages that are left leave nothing behind: a tab that is open for a whole shift stays as small as it was."""

from bed import Bed

# Nodes that may be there or not at the moment: a row more, a note that goes, one page that the browser still has.
# A page that stayed after each of the later visits would be more.
SLACK = 300
LATER = 6
PLACES = ["Runboard", "Sessions", "Templates", "Schedules", "Cluster", "Metrics", "Approvals", "Settings"]


def nodes(page, browser):
    """Elements and texts that the browser keeps, once it has thrown away what nobody holds."""
    for _ in range(3):
        browser.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(50)
    metrics = browser.send("Performance.getMetrics")["metrics"]
    return next(int(one["value"]) for one in metrics if one["name"] == "Nodes")


def visit(page):
    """Two runs with their log, graph, timeline and proofs, then all other places."""
    for name in ["first", "second"]:
        page.get_by_role("link", name="Runs", exact=True).click()
        page.locator(".run-link", has_text=name).first.click()
        page.locator(".log-row").first.wait_for()
        for tab in ["Graph", "Timeline", "Proofs", "Artifacts", "Log"]:
            page.get_by_role("tab", name=tab).click()
        page.locator(".log-row").first.wait_for()
    for place in PLACES:
        page.get_by_role("link", name=place, exact=True).first.click()
        page.get_by_role("heading", level=1).first.wait_for()
    page.get_by_role("link", name="Runs", exact=True).click()
    page.locator(".run-link", has_text="second").first.wait_for()


with Bed() as bed:
    for name in ["first", "second"]:
        bed.run([("work", "seq 1 500"), ("after", "echo done")], name=name)
    page = bed.page("/ui/runs")
    browser = bed.context.new_cdp_session(page)
    browser.send("HeapProfiler.enable")
    browser.send("Performance.enable")
    # What is kept once, whatever its number of visits, is there after the third.
    before = 0
    for _ in range(3):
        visit(page)
        before = max(before, nodes(page, browser))
    for _ in range(LATER):
        visit(page)
    # What a timer or a request still holds is let go when that is over.
    bed.until(lambda: nodes(page, browser) <= before + SLACK,
              f"nothing of the pages that were left stays beside {before} nodes", seconds=60)
