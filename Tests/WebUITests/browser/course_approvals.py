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
