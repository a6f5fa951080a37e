"""One run against a real node: its failure told, log, graph, timeline, proofs, retried with other inputs, mended by hand."""

import re

from bed import Bed, expect

PLAN = {
    "apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "release", "title": "Release the service"},
    "inputs": {"good": {"type": "boolean", "default": False, "title": "Whether the tests shall pass"},
               "version": {"type": "string", "default": "1.0"}},
    "steps": [
        {"id": "build", "title": "Build it", "effects": "idempotent",
         "shell": {"argv": ["sh", "-c", "echo building $VERSION"], "env": {"VERSION": "{{ inputs.version }}"}},
         "outputs": {"said": "{{ result.output }}"}, "verify": [{"id": "said-so", "kind": "shell", "match": "building"}]},
        {"id": "test", "title": "Test it", "needs": ["build"], "effects": "idempotent", "retry": {"max_attempts": 1},
         "shell": {"argv": ["sh", "-c", "echo testing; test \"$GOOD\" = true || { echo test 7 is red >&2; exit 3; }"],
                   "env": {"GOOD": "{{ inputs.good }}"}}},
        {"id": "publish", "title": "Publish it", "needs": ["test"], "effects": "idempotent",
         "preconditions": [{"id": "on-branch", "kind": "custom", "assert": "{{ inputs.version == '1.0' }}"}],
         "shell": {"argv": ["sh", "-c", "echo published > notes.txt"]}, "artifacts": [{"file": "notes.txt"}]},
    ],
    "outputs": {"version": "{{ inputs.version }}"}, "retry": {"max_attempts": 1},
}
WAIT = "while [ ! -e {gate} ]; do sleep 0.05; done"
ASK = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "asked"}, "steps": [
    {"id": "ask", "system": {"approval": {"message": "May it go out?", "form": {
        "type": "object", "required": ["window"], "properties": {"window": {"enum": ["day", "night"], "title": "When"}}}}}},
    {"id": "go", "needs": ["ask"], "effects": "none",
     "shell": {"argv": ["sh", "-c", "echo at $WINDOW"], "env": {"WINDOW": "{{ steps.ask.outputs.window }}"}}}]}


def state(page, word):
    page.locator(".run-state", has_text=word).wait_for()


def steps(bed, page, wanted):
    """The states of the steps, by their words."""
    signs = page.locator(".run-step-row .run-step > .sign")
    bed.until(lambda: signs.evaluate_all("all => all.map((one) => one.title)") == wanted, f"steps {wanted}, there are "
              f"{signs.evaluate_all('all => all.map((one) => one.title)')}")


def told(bed, page):
    """Why it failed stands in one sentence that leads to the step; the log is there; the details say the rest."""
    state(page, "Failed")
    page.locator(".run-cause", has_text="Step Test it failed").wait_for()
    steps(bed, page, ["Succeeded", "Failed", "Skipped"])
    page.locator(".log", has_text="test 7 is red").wait_for()
    page.locator(".run-inspector", has_text="found exit 3").wait_for()
    page.locator(".run-cause-step").click()
    expect("step=test" in page.url, "the step stands in the address")
    bed.until(lambda: page.locator(".log", has_text="building 1.0").count() == 0, "the log is that of the step")
    page.locator(".run-step.is-all").click()
    bed.look(page, "run-log")


def views(bed, page):
    """Graph, timeline, proofs, inputs: each behind a key and an address."""
    page.keyboard.press("2")
    page.locator(".dag-node.is-failed").wait_for()
    expect(page.locator(".dag-node").count() == 3, "three nodes")
    expect("100 %" in page.locator(".dag-zoom").inner_text(), "a small graph is shown at its size")
    page.locator(".dag-area").focus()
    page.keyboard.press("ArrowUp")
    expect("step=build" in page.url, "arrows move between steps")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect("step=publish" in page.url, "down again")
    bed.look(page, "run-graph")
    page.keyboard.press("3")
    page.locator(".timeline-bar.tone-failed").first.wait_for()
    expect("Queued" in page.locator(".timeline").inner_text(), "the queue's time stands apart")
    page.locator(".timeline-scroll").focus()
    page.keyboard.press("+")
    bed.look(page, "run-timeline")
    page.keyboard.press("4")
    page.locator(".run-step.is-all").click()
    page.locator(".proof", has_text="said-so").get_by_text("Held").wait_for()
    page.get_by_text("Not signed yet").wait_for()
    page.locator(".proof", has_text="on-branch").get_by_text("Not checked: the step was skipped").wait_for()
    page.get_by_role("button", name=re.compile("^Publish it")).first.click()
    page.get_by_text("of other steps are hidden").wait_for()
    page.locator(".run-step.is-all").click()
    bed.look(page, "run-proofs")
    page.keyboard.press("6")
    page.locator(".run-data", has_text="version").wait_for()
    bed.look(page, "run-inputs")
    page.keyboard.press("1")
    page.locator(".log").wait_for()


def again(bed, page, run):
    """From the failed step with other inputs: what is taken over is said before, and what ran is the rest."""
    page.get_by_role("button", name="Retry…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Runs again: 2").wait_for()
    dialog.get_by_text("Taken over: 1").wait_for()
    dialog.get_by_label("From a chosen step").check()
    dialog.get_by_label("Begin with").select_option("build")
    dialog.get_by_text("Runs again: 3").wait_for()
    dialog.get_by_label("Begin with").select_option("test")
    dialog.get_by_label("With other inputs").check()
    dialog.get_by_label("Whether the tests shall pass").check()
    bed.look(page, "run-retry")
    dialog.get_by_role("button", name="Run 2 steps again").click()
    state(page, "Succeeded")
    steps(bed, page, ["Succeeded", "Succeeded", "Succeeded"])
    document = bed.api("GET", f"/v1/runs/{run}?include=steps")
    expect(document["inputs"]["good"] is True, "the input was changed")
    expect(sum(one["step"] == "build" for one in document["steps"]) == 1, "what succeeded did not run again")
    page.get_by_role("tab", name=re.compile("^Artifacts")).click()
    page.get_by_text("notes.txt").first.wait_for()
    bed.look(page, "run-artifacts")


def by_hand(bed):
    """A failed step that somebody did by hand: a note is needed, the run goes on, and both stand at the step."""
    run = bed.api("POST", "/v1/runs", {"plan": PLAN})["id"]
    bed.ended(run)
    page = bed.page(f"/ui/runs/{run}?step=test")
    page.get_by_role("button", name="Done by hand…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What was done").fill("ran the suite on my machine, all green")
    bed.look(page, "run-by-hand")
    dialog.get_by_role("button", name="It is done").click()
    state(page, "Succeeded")
    steps(bed, page, ["Succeeded", "Done by hand", "Succeeded"])
    page.get_by_role("tab", name=re.compile("^Proofs")).click()
    page.locator(".run-step.is-all").click()
    page.locator(".proof", has_text="Done by hand").get_by_text("on my machine").wait_for()
    page.locator(".proof", has_text="on-branch").get_by_text("would not have begun otherwise").wait_for()
    page.get_by_role("region", name="Kept by the steps").get_by_role("button", name="notes.txt",
                                                                        exact=True).wait_for()
    bed.look(page, "run-proofs-by-hand")
    page.locator(".run-inspector", has_text="ran the suite on my machine").wait_for()
    page.close()


def live(bed):
    """A run under way: each step is seen as it begins and ends, it is paused, it is cancelled with a reason."""
    gates = [str(bed.folder / f"gate-{number}") for number in range(2)]
    run = bed.run([("one", WAIT.format(gate=gates[0])), ("two", WAIT.format(gate=gates[1])), ("three", "true")],
                  name="slow", wait=False)["id"]
    page = bed.page(f"/ui/runs/{run}?tab=graph")
    state(page, "Running")
    steps(bed, page, ["Running", "Pending", "Pending"])
    page.locator(".dag-node.is-running").wait_for()
    open(gates[0], "w").close()
    steps(bed, page, ["Succeeded", "Running", "Pending"])
    bed.look(page, "run-live")
    page.get_by_role("button", name="Pause").click()
    state(page, "Paused")
    page.get_by_role("button", name="Resume").click()
    state(page, "Running")
    page.keyboard.press("x")
    page.get_by_label("Why").fill("no longer wanted")
    page.get_by_role("button", name="Cancel the run").click()
    state(page, "Cancelled")
    page.locator(".run-cause", has_text="no longer wanted").wait_for()
    page.close()


def waits(bed):
    """A queued run says why it does not run; one that asks is answered on its own page, its form filled."""
    gate = str(bed.folder / "gate-lane")
    held = bed.run([("hold", WAIT.format(gate=gate))], name="holder", wait=False)["id"]
    bed.until(lambda: bed.api("GET", f"/v1/runs/{held}")["status"] == "running", "the lane is taken")
    queued = bed.run([("work", "true")], name="behind", wait=False)["id"]
    page = bed.page(f"/ui/runs/{queued}")
    page.locator(".run-why", has_text="Not running yet").wait_for()
    bed.look(page, "run-queued")
    open(gate, "w").close()
    state(page, "Succeeded")
    asked = bed.api("POST", "/v1/runs", {"plan": ASK})["id"]
    page.goto(f"{bed.base}/ui/runs/{asked}")
    page.locator(".approval-message", has_text="May it go out?").wait_for()
    bed.look(page, "run-asked")
    page.get_by_role("button", name="Approve").click()
    page.locator(".approval-card [role=alert]", has_text="choose one").wait_for()
    page.get_by_label("When").select_option(label="night")
    page.get_by_role("button", name="Approve").click()
    state(page, "Succeeded")
    page.locator(".log", has_text="at night").wait_for()
    page.close()


def narrow(bed, run):
    """At a phone's width nothing is wider than the screen."""
    page = bed.page(f"/ui/runs/{run}", bed.new_context(viewport={"width": 390, "height": 844}))
    state(page, "Succeeded")
    expect(page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out")
    bed.look(page, "run-narrow")
    page.close()


def main():
    with Bed() as bed:
        run = bed.api("POST", "/v1/runs", {"plan": PLAN})["id"]
        bed.ended(run)
        page = bed.page(f"/ui/runs/{run}")
        told(bed, page)
        views(bed, page)
        again(bed, page, run)
        page.close()
        narrow(bed, run)
        live(bed)
        waits(bed)
        by_hand(bed)


main()
