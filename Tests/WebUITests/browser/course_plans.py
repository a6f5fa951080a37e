"""A plan's page against a real node: graph, steps with their rules, inputs, canonical JSON, what changed, run from it."""

from bed import Bed, expect


def plan(argument, more=()):
    """A plan of a fork and a join; the argument changes one step."""
    def step(name, needs, **members):
        return {"id": name, "needs": needs, "effects": "idempotent", "shell": {"argv": ["echo", name]}, **members}
    return {
        "apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "fork", "title": "Fork and join"},
        "inputs": {"region": {"type": "string", "enum": ["north", "south"], "title": "Where"}},
        "steps": [
            step("start", [], title="Begin here", shell={"argv": ["echo", "{{ inputs.region }}", argument]},
                 verify=[{"id": "printed", "kind": "shell", "match": "."}]),
            step("left", ["start"], effects="destructive"), step("right", ["start"]),
            step("join", ["left", "right"]), *[step(name, ["join"]) for name in more]],
    }


def main():
    with Bed() as bed:
        old = bed.api("POST", "/v1/plans", {"plan": plan("one")})["digest"]
        new = bed.api("POST", "/v1/plans", {"plan": plan("two", ["tail"])})["digest"]
        page = bed.page("/ui/plans")
        page.get_by_text("No plans in use").wait_for()
        bed.ended(bed.api("POST", "/v1/runs", {"plan_digest": old, "inputs": {"region": "north"}})["id"])
        bed.api("PUT", "/v1/templates/forked", {"plan_digest": new, "title": "Forks"})
        page.locator("tbody tr", has_text="forked").wait_for()
        page.locator("tbody tr", has_text="Succeeded").wait_for()
        expect(page.locator("tbody tr").count() == 2, "each version is a plan of its own")
        bed.look(page, "plans")
        page.locator("tbody tr", has_text="forked").get_by_role("link", name="fork", exact=True).click()
        page.get_by_role("heading", name="Fork and join").wait_for()
        page.locator(".dag-node").first.wait_for()
        expect(page.locator(".dag-node").count() == 5, "a node for each step")
        page.locator(".dag-node", has_text="left").click()
        expect("step=left" in page.url, "the step stands in the address")
        page.locator(".run-inspector", has_text="it never runs twice by itself").wait_for()
        bed.look(page, "plan-graph")
        page.get_by_role("tab", name="Steps").click()
        page.get_by_role("button", name="Begin here").click()
        page.locator(".run-inspector", has_text="printed").wait_for()
        bed.look(page, "plan-steps")
        page.get_by_role("button", name="Close").click()
        page.get_by_role("tab", name="Inputs").click()
        page.get_by_text("one of north, south").wait_for()
        page.get_by_role("tab", name="Canonical JSON").click()
        page.locator(".plan-json", has_text="maxParallel").wait_for()
        bed.look(page, "plan-json")
        page.get_by_role("tab", name="Compare").click()
        page.locator(".plan-known button").first.click()
        expect(f"with={old.replace(':', '%3A')}" in page.url, "the other plan stands in the address")
        page.get_by_text("1 step added").wait_for()
        page.get_by_text("1 step changed").wait_for()
        page.locator(".diff").wait_for()
        bed.look(page, "plan-compare")
        page.get_by_role("button", name="Run…").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Where").select_option(label="south")
        dialog.get_by_role("button", name="Run", exact=True).click()
        page.locator(".run-state", has_text="Succeeded").wait_for()
        page.locator(".log", has_text="south two").wait_for()
        page.goto(f"{bed.base}/ui/plans/{new}")
        page.get_by_role("link", name="Its runs").click()
        bed.until(lambda: page.locator(".runs-table tbody tr").count() == 1, "the runs of this version alone")
        page.locator(".tag", has_text="plan: sha256:").wait_for()
        gone = bed.page("/ui/plans/sha256:" + "0" * 64)
        bed.allow("404")
        gone.locator(".error-panel").wait_for()


main()
