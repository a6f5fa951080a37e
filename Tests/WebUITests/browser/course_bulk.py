"""Actions on many runs: 5,000 queued ones are cancelled from the list, watched to the end, and told one by one."""

from bed import Bed, expect

MANY = 5000
PLAN = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "mail"},
        "steps": [{"id": "work", "shell": {"argv": ["true"]}, "effects": "idempotent"}]}


def fill(bed):
    """A lane that takes nothing, with 5,000 runs in its queue, and one that failed elsewhere."""
    bed.api("POST", "/v1/sessions", {"name": "campaign", "lanes": [{"name": "A"}, {"name": "B"}]})
    bed.api("POST", "/v1/sessions/campaign/lanes/A/pause", {"reason": "the list was wrong"})
    stored = bed.api("POST", "/v1/plans", {"plan": PLAN})
    for _ in range(MANY // 1000):
        bed.api("POST", "/v1/runs/batch", {"runs": [
            {"plan_digest": stored["digest"], "session": "campaign", "lane": "A"} for _ in range(1000)]}, timeout=60)
    bed.run([("boom", "exit 3")], name="broken", session="campaign", lane="B")


def cancel_all(bed, page):
    """All that fit: counted, shown, typed, done, watched; the list then says the same."""
    page.get_by_text("5,000 runs").first.wait_for()
    page.get_by_label("Select all that are shown").check()
    page.get_by_text("100 runs selected").wait_for()
    page.get_by_role("button", name="Select all 5,000 that fit").click()
    page.get_by_text("All 5,000 that fit the filter are selected").wait_for()
    page.locator(".selection-bar").get_by_role("button", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("5,000 runs of 5,000 runs that fit the filter will be cancelled.").wait_for()
    expect(dialog.locator(".bulk-sample li").count() == 11, "ten are shown, and how many more there are")
    button = dialog.get_by_role("button", name="Cancel 5,000 runs")
    expect(button.is_disabled(), "it is not done by one press")
    dialog.get_by_label("Reason").fill("wrong list")
    bed.look(page, "bulk-dialog")
    dialog.get_by_label("Type 5000 to go on").fill("5,000")
    button.click()
    page.wait_for_url("**/ui/bulk/*")
    page.get_by_role("heading", name="Cancel 5,000 runs").wait_for()
    progress = page.get_by_role("progressbar")
    seen = set()
    bed.until(lambda: seen.add(progress.get_attribute("aria-valuenow")) or progress.get_attribute("aria-valuenow") == "5000",
              "all are looked after", 90)
    expect(len(seen) > 1, f"the progress is seen as it goes: {seen}")
    page.locator(".page-head .chip", has_text="Done").wait_for()
    expect(page.get_by_role("button", name="Stop the action").count() == 0, "what has ended cannot be stopped")
    page.get_by_text("wrong list").wait_for()
    page.get_by_role("tab", name="Done").click()
    expect("state=ok" in page.url, "the chosen results stand in the address")
    bed.until(lambda: page.locator("#bulk-results tbody tr").count() == 100, "the first hundred results")
    page.get_by_role("button", name="Load more").click()
    bed.until(lambda: page.locator("#bulk-results tbody tr").count() == 200, "the next hundred")
    page.locator("#bulk-results").get_by_text("Cancelled").first.wait_for()
    bed.look(page, "bulk-one")
    page.get_by_role("link", name="The runs in the list").click()
    page.wait_for_url("**/ui/runs?*")
    page.get_by_role("button", name="Cancelled, 5000 in the last 24 hours").wait_for()
    expect(bed.api("GET", "/v1/counts?session=campaign")["open"]["queued"] == 0, "the node says the same")


def picked(bed, page):
    """Runs picked by hand are retried, those alone; what it does not apply to is left alone and said."""
    page.goto(bed.base + "/ui/runs?status=failed")
    page.locator(".runs-table tbody tr", has_text="broken").locator("input").check()
    page.locator(".selection-bar").get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Nothing would be paused.").wait_for()
    expect(dialog.get_by_role("button", name="Pause 0 runs").is_disabled(), "nothing is no action")
    dialog.get_by_role("button", name="Back").click()
    page.locator(".selection-bar").get_by_role("button", name="Retry").click()
    dialog.get_by_text("1 run of 1 run that you selected will be retried.").wait_for()
    dialog.get_by_role("button", name="Retry 1 run").click()
    page.wait_for_url("**/ui/bulk/*")
    page.get_by_text("1 run selected by hand").wait_for()
    page.locator(".page-head .chip", has_text="Done").wait_for()
    page.locator("#bulk-results").get_by_text("broken").wait_for()
    page.get_by_role("link", name="All actions").click()
    bed.until(lambda: page.locator(".table tbody tr").count() == 2, "both actions are listed")
    bed.look(page, "bulk-list")


def reading(bed):
    """Who may only read sees the runs, and no buttons that change them; an action that is not there is said so."""
    token = bed.api("POST", "/v1/tokens", {"name": "looker", "scope": "read"})
    context = bed.new_context()
    answer = context.request.post(f"{bed.base}/v1/browser-session", data={"token": token["token"]})
    expect(answer.status in (200, 201), answer.text())
    page = bed.page("/ui/runs", context)
    page.get_by_label("Select all that are shown").check()
    page.get_by_text("Your token may only read.").wait_for()
    expect(page.locator(".selection-bar").get_by_role("button", name="Cancel").count() == 0, "there is no such button")
    bed.allow("404")
    page.goto(bed.base + "/ui/bulk/4711")
    page.get_by_role("alert").get_by_text("4711").wait_for()


with Bed() as bed:
    page = bed.page("/ui/bulk")
    page.get_by_text("No actions on many runs yet").wait_for()
    fill(bed)
    page.goto(bed.base + "/ui/runs?session=campaign&status=queued")
    cancel_all(bed, page)
    picked(bed, page)
    reading(bed)
