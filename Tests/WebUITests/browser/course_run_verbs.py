"""What is done to a run in its dialogs: retried with other inputs, sent signals, put off."""

from bed import Bed, expect

# No browser can hold it as a number.
TICKET = 9007199254740993
PLAN = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "tried"},
        "inputs": {"good": {"type": "boolean"}, "tries": {"type": "integer", "default": 2},
                   "ticket": {"type": "integer", "default": 1}, "order": {"type": "object", "default": {"amount": 1}}},
        "steps": [{"id": "work", "effects": "idempotent", "shell": {
            "argv": ["sh", "-c", "test $GOOD = true", "{{ inputs.tries }} {{ inputs.ticket }} {{ toJSON(inputs.order) }}"],
            "env": {"GOOD": "{{ inputs.good }}"}}}], "retry": {"max_attempts": 1}}
SIGNS = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "signed"}, "steps": [
    *({"id": name, "system": {"wait_signal": {"name": f"{name}-came"}}} for name in ["first", "second"]),
    {"id": "go", "needs": ["first", "second"], "effects": "none", "shell": {"argv": ["true"]}}]}


def state(page, word):
    page.locator(".run-state", has_text=word).wait_for()


def again(bed):
    """What is wrong is said where it is; what is emptied is the default; what is kept loses no digit."""
    inputs = {"good": False, "tries": 5, "ticket": TICKET, "order": {"amount": TICKET, "of": "bread"}}
    run = bed.api("POST", "/v1/runs", {"plan": PLAN, "inputs": inputs})["id"]
    bed.ended(run)
    page = bed.page(f"/ui/runs/{run}")
    page.get_by_role("button", name="Retry…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("With other inputs").check()
    dialog.get_by_label("tries").fill("many")
    dialog.get_by_role("button", name="Run 1 step again").click()
    dialog.get_by_text("a whole number, as 12").wait_for()
    expect(dialog.get_by_label("tries").evaluate("(field) => field === document.activeElement"), "it is gone to")
    bed.look(page, "run-retry-wrong")
    dialog.get_by_label("good").select_option("Yes")
    dialog.get_by_label("tries").fill("")
    order = dialog.get_by_label("order")
    order.fill(order.input_value().replace("bread", "cake"))
    dialog.get_by_role("button", name="Run 1 step again").click()
    state(page, "Succeeded")
    known = bed.api("GET", f"/v1/runs/{run}")["inputs"]
    expect(known == {"good": True, "tries": 2, "ticket": TICKET, "order": {"amount": TICKET, "of": "cake"}},
           f"one changed, one emptied, the others kept: {known}")
    page.get_by_role("button", name="Run again…").click()
    dialog.get_by_role("button", name="Start a new run").click()
    page.wait_for_url(lambda url: run not in url)
    made = bed.api("GET", f"/v1/runs/{page.url.split('/ui/runs/')[1].split('?')[0]}")["inputs"]
    expect(made == known, f"a new run is of the same: {made}")
    page.close()


def signals(bed):
    """Each of two steps that wait is sent its own signal; what is behind them is not done by hand."""
    run = bed.api("POST", "/v1/runs", {"plan": SIGNS})["id"]
    page = bed.page(f"/ui/runs/{run}?step=go")
    state(page, "Waiting")
    page.locator(".run-inspector", has_text="that comes first").wait_for()
    expect(page.get_by_role("button", name="Done by hand…").is_disabled(), "what the node refuses is not offered")
    dialog = page.get_by_role("dialog")
    for step in ["second", "first"]:
        page.locator(".run-signal", has_text=step).get_by_role("button", name="Send it…").click()
        expect(dialog.get_by_label("Name").input_value() == f"{step}-came", "it is the step's own signal")
        dialog.get_by_label("What it brings").fill("{by: ada}")
        dialog.get_by_role("button", name="Send", exact=True).click()
        dialog.get_by_text("What it brings is no JSON").wait_for()
        bed.look(page, "run-signal")
        dialog.get_by_label("What it brings").fill(f'{{"by": {TICKET}}}')
        dialog.get_by_role("button", name="Send", exact=True).click()
        dialog.get_by_text("too large for this page").wait_for()
        dialog.get_by_label("What it brings").fill('{"by": "ada"}')
        dialog.get_by_role("button", name="Send", exact=True).click()
        page.locator(".run-signal", has_text=step).wait_for(state="detached")
    state(page, "Succeeded")
    page.close()


def snoozed(bed):
    """A run that is for later is put off further, and says until when."""
    run = bed.run([("work", "true")], name="later", wait=False, delay_ms=600_000)["id"]
    before = bed.api("GET", f"/v1/runs/{run}")["due_at"]
    page = bed.page(f"/ui/runs/{run}")
    state(page, "Queued")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Snooze…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("For").select_option("a day")
    bed.look(page, "run-snooze")
    dialog.get_by_role("button", name="Put it off").click()
    page.get_by_text("It is due at").wait_for()
    expect(bed.api("GET", f"/v1/runs/{run}")["due_at"] > before, "it is put off")
    page.close()


def main():
    with Bed() as bed:
        again(bed)
        signals(bed)
        snoozed(bed)


main()
