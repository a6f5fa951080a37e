"""What waits for a person: the count everywhere, the order, deciding in place with a form and a comment, live."""

from bed import Bed, expect


def plan(name, message, **approval):
    return {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": name}, "timeout": "2h", "steps": [
        {"id": "sign-off", "system": {"approval": {"message": message, **approval}}},
        {"id": "ship", "needs": ["sign-off"], "shell": {"argv": ["echo", "shipped"]}, "effects": "idempotent"}]}


def ask(bed, name, message, **approval):
    made = bed.api("POST", "/v1/runs", {"plan": plan(name, message, **approval), "lane": name})
    bed.until(lambda: bed.api("GET", f"/v1/runs/{made['id']}")["status"] == "waiting", f"{name} waits")
    return made["id"]


def cards(page):
    return [text.strip() for text in page.locator(".approval-message").all_inner_texts()]


STUB = """
window.told = [];
window.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title) { window.told.push(title); }
};
let state = "visible";
Object.defineProperty(document, "visibilityState", { get: () => state });
window.see = (next) => { state = next; document.dispatchEvent(new Event("visibilitychange")); };
"""


def notes(bed):
    """The tab that leads tells what waits, wherever notes were switched on, while no tab is looked at."""
    context = bed.new_context()
    context.add_init_script(STUB)
    leader = bed.page("/ui/approvals", context)
    leader.locator(".stream-badge.is-live").wait_for()
    other = bed.page("/ui/settings?section=you", context)
    other.get_by_role("switch", name="Notes when something waits for you").click()
    bed.until(lambda: leader.title().startswith("(1) "), "what waited before is known")
    bed.until(lambda: leader.evaluate("navigator.locks.query().then((all) => all.held.filter((one) => "
                                      "one.name === 'opsroom-seen').length)") == 2, "both tabs are seen")
    leader.evaluate("see('hidden')")
    ask(bed, "looked-at", "Is anybody here?")
    bed.until(lambda: leader.title().startswith("(2) "), "a hidden tab counts on")
    other.evaluate("see('hidden')")
    ask(bed, "alone", "Is anybody there?")
    ask(bed, "later", "And now?")
    bed.until(lambda: leader.evaluate("told") == ["alone waits for you", "later waits for you"], "a note each, once nobody looks")
    expect(other.evaluate("told") == [], "and no other tab tells it again")
    context.close()


def again(bed, page):
    """A step that was decided here and asks again is shown again."""
    run = ask(bed, "again", "Once more?")
    card = page.locator(".approval-card", has_text="Once more?")
    card.get_by_role("button", name="Reject").click()
    bed.until(lambda: "Once more?" not in cards(page), "what was decided is gone")
    expect(bed.ended(run)["status"] == "failed", "it has ended")
    bed.api("POST", f"/v1/runs/{run}/retry", {})
    card.wait_for()
    card.get_by_role("button", name="Approve").click()
    expect(bed.ended(run)["status"] == "succeeded", "the second time it goes on")


with Bed() as bed:
    page = bed.page("/ui/approvals")
    page.get_by_text("Nothing waits for you").wait_for()
    bed.look(page, "approvals-empty")

    # They come by themselves, counted in the navigation and the title; whose time ends soon is on top.
    first = ask(bed, "old", "Ship version 1?")
    bed.until(lambda: cards(page) == ["Ship version 1?"], "the first comes by itself")
    second = ask(bed, "formed", "Ship version 2?", form={
        "type": "object", "required": ["window"], "properties": {"window": {"enum": ["day", "night"], "title": "When it goes out"}}})
    third = ask(bed, "urgent", "Ship version 3?", timeout="20m", on_timeout="reject")
    others = ask(bed, "others", "Only Cleo knows?", users=["cleo"])
    bed.until(lambda: cards(page) == ["Ship version 3?", "Ship version 1?", "Ship version 2?"], "the order")
    page.locator(".nav").get_by_text("3", exact=False).first.wait_for()
    bed.until(lambda: page.title().startswith("(3) "), "the title counts")
    bed.look(page, "approvals")

    # What waits for others can be seen, and not decided.
    page.get_by_role("button", name="For anybody").click()
    bed.until(lambda: cards(page)[-1] == "Only Cleo knows?", "what waits for others comes last")
    expect("all=1" in page.url, "the choice stands in the address")
    blocked = page.locator(".approval-card", has_text="Only Cleo knows?")
    expect(blocked.get_by_role("button", name="Approve").is_disabled(), "it is not for us")
    blocked.get_by_text("You cannot decide it").wait_for()
    page.get_by_role("button", name="For me").click()

    # A form wants to be filled in; then the run goes on.
    card = page.locator(".approval-card", has_text="Ship version 2?")
    card.get_by_role("button", name="Approve").click()
    card.get_by_role("alert").wait_for()
    card.get_by_label("When it goes out").select_option("night")
    card.get_by_label("Comment").fill("at night then")
    card.get_by_role("button", name="Approve").click()
    bed.until(lambda: cards(page) == ["Ship version 3?", "Ship version 1?"], "what was decided is gone")
    page.get_by_text("Approved: sign-off").wait_for()
    expect(bed.ended(second)["status"] == "succeeded", "the run went on")

    # A rejection ends it; one that was decided elsewhere goes by itself.
    page.locator(".approval-card", has_text="Ship version 3?").get_by_role("button", name="Reject").click()
    bed.until(lambda: cards(page) == ["Ship version 1?"], "what was rejected is gone")
    expect(bed.ended(third)["status"] == "failed", "a rejection fails the run")
    bed.api("POST", f"/v1/runs/{first}/steps/sign-off/approve", {})
    page.get_by_text("Nothing waits for you").wait_for()
    bed.until(lambda: not page.title().startswith("("), "the title counts nothing")
    expect(bed.api("GET", f"/v1/runs/{others}")["status"] == "waiting", "what is for others still waits")
    again(bed, page)
    ask(bed, "before", "Still there?")
    notes(bed)
