"""Sessions: listed by status and text, changed, ended; an archived one can be read and nothing else."""

from bed import Bed, expect


def row(page, name):
    return page.locator("tbody tr", has=page.get_by_role("link", name=name, exact=True))


def listed(bed, page):
    """The list shows what is active, and follows what the address says."""
    row(page, "alpha").get_by_text("Ship the release").wait_for()
    expect(page.locator("tbody tr").count() == 3, "all active ones are shown")
    page.get_by_label("Find a session").fill("beta")
    page.wait_for_url("**text=beta*")
    bed.until(lambda: page.locator("tbody tr").count() == 1, "the text finds one")
    page.reload()
    bed.until(lambda: page.locator("tbody tr").count() == 1, "the address keeps the filter")
    expect(page.get_by_label("Find a session").input_value() == "beta", "and the field shows it")
    page.get_by_label("Find a session").fill("")
    bed.until(lambda: page.locator("tbody tr").count() == 3, "without it all are there")
    bed.look(page, "sessions")


def verb(page, name, item):
    row(page, name).get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=item).click()


def changed(bed, page):
    """What a session is for can be changed, and it can be held."""
    verb(page, "beta", "Edit what it is for")
    page.get_by_role("dialog").get_by_label("Intent").fill("Move the data")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    row(page, "beta").get_by_text("Move the data").wait_for()
    verb(page, "beta", "Pause")
    row(page, "beta").get_by_text("Paused").wait_for()
    verb(page, "beta", "Resume")
    row(page, "beta").get_by_text("Active").wait_for()


def refused(bed, page):
    """A session with open runs is not archived: the dialog says why, and what to do."""
    bed.api("POST", "/v1/sessions/alpha/lanes/A/pause", {})
    bed.run([("work", "true")], name="open-one", wait=False, session="alpha", lane="A")
    bed.allow("status of 409")
    verb(page, "alpha", "Archive")
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    page.get_by_role("dialog").get_by_role("alert").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Back").click()
    row(page, "alpha").get_by_role("link", name="1", exact=True).wait_for()


def cancelled(bed, page):
    """A cancelled session ends its open runs."""
    verb(page, "alpha", "Cancel")
    page.get_by_role("dialog").get_by_label("Why").fill("another plan")
    page.get_by_role("dialog").get_by_role("button", name="Cancel the session").click()
    bed.until(lambda: row(page, "alpha").count() == 0, "it is not active any more")
    page.get_by_role("button", name="Cancelled", exact=True).click()
    row(page, "alpha").wait_for()


def archived(bed, page):
    """An archived session's board is there with what it did, and takes nothing."""
    page.get_by_role("button", name="Active", exact=True).click()
    verb(page, "beta", "Archive")
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    page.locator(".toast", has_text="beta is archived").wait_for()
    page.get_by_role("button", name="Archived", exact=True).click()
    row(page, "beta").get_by_role("link", name="beta", exact=True).click()
    page.wait_for_url("**/ui/sessions/beta")
    page.get_by_role("note").get_by_text("archived").wait_for()
    page.locator(".recent", has_text="done-before").wait_for()
    for name in ["Pause lane A", "Settings of lane A", "Lane", "Run", "Retry", "Session"]:
        expect(page.get_by_role("button", name=name, exact=True).count() == 0, f"an archived board has no '{name}'")
    page.get_by_role("link", name="done-broken").focus()
    page.keyboard.press("r")
    page.keyboard.press("p")
    expect(page.get_by_role("dialog").count() + page.locator(".toast.is-error").count() == 0, "keys do nothing either")
    bed.look(page, "board-archived")
    page.get_by_role("link", name="To an active one").click()
    page.get_by_role("heading", name="gamma").wait_for()


def many(bed, page):
    """Further pages follow what happens as the first does; what is typed when one leaves changes no other page."""
    for at in range(60):
        bed.api("POST", "/v1/sessions", {"name": f"batch-{at:02}", "lanes": [{"name": "A"}]})
    page.goto(bed.base + "/ui/sessions?text=batch")
    bed.until(lambda: page.locator("tbody tr").count() == 50, "the first page")
    page.get_by_role("button", name="Show more").click()
    bed.until(lambda: page.locator("tbody tr").count() == 60, "the rest")
    last = page.locator("tbody tr").nth(59).get_by_role("link").first.inner_text()
    verb(page, last, "Archive")
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    bed.until(lambda: page.locator("tbody tr").count() == 59, "what is archived is not among the active ones")
    page.get_by_label("Find a session").fill("batch-0")
    page.get_by_role("link", name="Runs", exact=True).first.click()
    page.wait_for_url("**/ui/runs")
    page.get_by_role("heading", name="Runs").wait_for()
    page.wait_for_timeout(400)
    expect(page.url.endswith("/ui/runs"), f"the text stays behind, not {page.url}")


def unknown(bed):
    """A session that is not there is said to be so."""
    bed.allow("status of 404")
    page = bed.page("/ui/sessions/nowhere")
    page.get_by_text("There is no such session").wait_for()
    page.get_by_role("link", name="All sessions").click()
    page.get_by_role("heading", name="Sessions").wait_for()


with Bed() as bed:
    for name, intent in [("gamma", "The third"), ("beta", "The second"), ("alpha", "Ship the release")]:
        bed.api("POST", "/v1/sessions", {"name": name, "intent": intent, "lanes": [{"name": "A"}, {"name": "B"}]})
    bed.run([("work", "true")], name="done-before", session="beta", lane="A")
    bed.run([("work", "exit 1")], name="done-broken", session="beta", lane="B")
    page = bed.page("/ui/sessions")
    listed(bed, page)
    changed(bed, page)
    refused(bed, page)
    cancelled(bed, page)
    archived(bed, page)
    many(bed, page)
    unknown(bed)
