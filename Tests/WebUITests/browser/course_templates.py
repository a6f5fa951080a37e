"""Templates: written with a mistake, mended where the compiler points, saved, run by the form, compared, deleted."""

from bed import Bed, expect

PLAN = """apiVersion: pulser/v1
kind: Plan
metadata: {name: greet, version: 1.0.0}
inputs:
  who: {type: string, title: Who is greeted}
  times: {type: integer, default: 2, title: How often}
  toString: {type: string, default: plainly}
steps:
  - id: greet
    effects: none
    shell: {argv: [echo, "hello {{ inputs.who }} {{ inputs.times }} {{ inputs.toString }}"]}
    verify: [{id: exit, kind: shell}]
"""


def area(page):
    return page.get_by_label("Source of greet")


def written(bed, page):
    """A new template begins in the editor, and cannot be saved while the compiler finds a mistake."""
    page.get_by_role("button", name="New template").first.click()
    page.get_by_label("Name").fill("no blanks")
    page.get_by_text("Letters, digits").wait_for()
    page.get_by_label("Name").fill("greet")
    page.get_by_role("button", name="Write it").click()
    page.wait_for_url("**/ui/templates/greet?*")
    page.get_by_text("Compiles").wait_for()
    area(page).fill(PLAN.replace("inputs.times", "inputs.time"))
    line = PLAN.splitlines().index('    shell: {argv: [echo, "hello {{ inputs.who }} {{ inputs.times }} {{ inputs.toString }}"]}') + 1
    finding = page.locator(".finding", has=page.locator(".where", has_text=f"{line}:"))
    finding.get_by_text("time").first.wait_for()
    expect(page.get_by_role("button", name="Save").is_disabled(), "what does not compile is not saved")
    expect(page.locator(".editor-flag.is-error").count() > 0, "the line is marked")
    bed.look(page, "template-mistake")
    finding.click()
    place = page.locator(".editor-foot").inner_text()
    expect(f"Line {line}" in place, f"a finding leads to its line, not to {place}")


def mended(bed, page):
    """The mended text is saved once; it is there after a reload."""
    area(page).fill(PLAN)
    page.get_by_text("Compiles").wait_for()
    page.get_by_label("Title").fill("Says hello")
    page.get_by_role("button", name="Show its plan").click()
    page.get_by_role("dialog").get_by_role("heading", name="1 step").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.get_by_label("Title").press("Control+s")
    page.get_by_text("Saved: revision 1").wait_for()
    page.reload()
    page.get_by_text("revision 1").first.wait_for()
    bed.until(lambda: area(page).input_value() == PLAN, "the text is kept as it was written")
    bed.look(page, "template")
    page.get_by_role("tab", name="Versions").click()
    page.get_by_text("There is one version").wait_for()
    expect(page.locator(".placeholder").count() == 0, "with one version nothing is awaited")
    page.get_by_role("tab", name="Source").click()


def keys(bed, page):
    """Tab indents in the editor, Esc and Tab leave it; what is not saved is there when one comes back."""
    area(page).focus()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Tab")
    expect(area(page).input_value().startswith("  apiVersion"), "Tab indents")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(not area(page).evaluate("(area) => area === document.activeElement"), "Esc and Tab leave the editor")
    page.get_by_role("link", name="Schedules").click()
    page.get_by_role("heading", name="Schedules").wait_for()
    page.go_back()
    page.get_by_text("not saved yet").wait_for()
    page.get_by_role("button", name="Throw away").click()
    page.get_by_role("dialog").get_by_role("button", name="Throw away").click()
    bed.until(lambda: area(page).input_value() == PLAN, "thrown away, it is as it was stored")


def typed_on(bed, page):
    """What is typed while a save is under way stays, in the file where it is typed, and is not saved yet."""
    files = {"plan.yaml": PLAN.replace("greet", "notes"), "more.txt": "one"}
    bed.api("PUT", "/v1/templates/notes", {"files": files, "main": "plan.yaml", "title": "Two files"})
    held = []
    page.goto(f"{bed.base}/ui/templates/notes")
    page.get_by_role("button", name="more.txt").click()
    source = page.get_by_label("Source of notes")
    bed.until(lambda: source.input_value() == "one", "the other file is shown")
    page.route("**/v1/templates/notes", lambda route: held.append(route) if route.request.method == "PUT"
               else route.continue_())
    source.fill("one two")
    source.press("Control+s")
    bed.until(lambda: held, "the save is under way")
    source.fill("one two three")
    held[0].continue_()
    page.get_by_text("Saved: revision 2").wait_for()
    expect(source.input_value() == "one two three", f"what was typed stays, not {source.input_value()}")
    expect(page.get_by_role("button", name="Save", exact=True).is_enabled(), "it is not saved yet")
    page.unroute("**/v1/templates/notes")
    source.press("Control+s")
    page.get_by_text("Saved: revision 3").wait_for()
    expect(bed.api("GET", "/v1/templates/notes/source")["files"]["more.txt"] == "one two three", "then it is saved")


def stored_elsewhere(bed, page):
    """A text stored elsewhere is shown; over changes that are not saved it is only said, and they are kept."""
    files = {"plan.yaml": PLAN.replace("greet", "notes"), "more.txt": "theirs"}
    source = page.get_by_label("Source of notes")
    source.fill("mine")
    bed.api("PUT", "/v1/templates/notes", {"files": files, "main": "plan.yaml", "title": "Two files"})
    page.get_by_role("link", name="Schedules").click()
    page.get_by_role("heading", name="Schedules").wait_for()
    page.go_back()
    page.get_by_text("Revision 4 was stored meanwhile").wait_for()
    page.get_by_role("button", name="more.txt").click()
    expect(source.input_value() == "mine", "the changes are kept")
    bed.look(page, "template-meanwhile")
    page.get_by_role("button", name="What differs").click()
    page.get_by_role("dialog").get_by_role("heading", name="more.txt").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Take theirs").click()
    bed.until(lambda: source.input_value() == "theirs", "theirs is taken")
    page.get_by_role("tab", name="Versions").click()
    page.get_by_role("button", name="Go back to revision 3").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back").click()
    page.get_by_text("Revision 5 is what revision 3 was").wait_for()
    page.get_by_role("tab", name="Source").click()
    page.get_by_role("button", name="more.txt").click()
    bed.until(lambda: source.input_value() == "one two three", "the source is what was gone back to")
    bed.api("DELETE", "/v1/templates/notes")


def deleted_elsewhere(bed, page):
    """Who looks at a template that somebody deletes is told, cannot run it, and can write it anew."""
    page.goto(f"{bed.base}/ui/templates/gone")
    page.get_by_text("There is no template gone").wait_for()
    bed.api("PUT", "/v1/templates/gone", {"plan": PLAN, "title": "Soon gone"})
    page.reload()
    source = page.get_by_label("Source of gone")
    bed.until(lambda: source.input_value() == PLAN, "the text is shown")
    bed.api("DELETE", "/v1/templates/gone")
    page.get_by_text("This template was deleted").wait_for()
    expect(page.get_by_role("button", name="Run", exact=True).is_disabled(), "what is deleted does not run")
    page.get_by_role("button", name="Write it anew").click()
    expect(source.input_value() == PLAN, "the last text is still there")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved: revision").wait_for()
    bed.until(lambda: page.get_by_role("button", name="Run", exact=True).is_enabled(), "it can run again")
    bed.api("DELETE", "/v1/templates/gone")


def run_by_form(bed, page):
    """The form follows the plan's inputs: what is needed is asked for; the run is shown at once."""
    page.get_by_role("button", name="Run", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Who is greeted").wait_for()
    dialog.get_by_role("button", name="Run").click()
    dialog.get_by_text("This is needed.").wait_for()
    who = dialog.get_by_label("Who is greeted")
    expect(who.evaluate("(field) => field === document.activeElement"), "what is missing is gone to")
    who.fill("Somebody")
    box = who.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(5, 5)
    page.mouse.up()
    expect(who.input_value() == "Somebody", "text that is chosen out to the backdrop stays")
    dialog.get_by_text("More", exact=True).click()
    dialog.get_by_label("Priority").fill("-")
    dialog.get_by_role("button", name="Run").click()
    dialog.get_by_text("A whole number.").wait_for()
    expect("/ui/templates/greet" in page.url, "without what is needed nothing runs")
    bed.look(page, "template-run")
    dialog.get_by_label("Who is greeted").fill("Ada")
    dialog.get_by_label("How often").fill("3")
    dialog.get_by_label("Priority").fill("-3")
    dialog.get_by_role("button", name="Run").click()
    page.wait_for_url("**/ui/runs/*")
    done = bed.ended(page.url.split("/ui/runs/")[1].split("?")[0])
    expect(done["status"] == "succeeded", f"the run succeeds, not {done['status']}: {done['failure']}")
    expect(done["inputs"] == {"who": "Ada", "times": 3, "toString": "plainly"},
           f"with what was typed, not {done['inputs']}")


def two_at_once(bed, page):
    """Who saves second is told, sees both texts, and decides."""
    page.goto(f"{bed.base}/ui/templates/greet")
    bed.until(lambda: area(page).input_value() == PLAN, "the text is shown")
    area(page).fill(PLAN.replace("hello", "good day"))
    bed.api("PUT", "/v1/templates/greet", {"plan": PLAN.replace("hello", "servus"), "title": "Says hello"})
    page.get_by_text("Compiles").wait_for()
    bed.allow("412")
    page.get_by_role("button", name="Save", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Revision 2 is not the one you began with").wait_for()
    dialog.get_by_text("servus").first.wait_for()
    bed.look(page, "template-conflict")
    dialog.get_by_role("button", name="Save mine over it").click()
    page.get_by_text("Saved: revision 3").wait_for()


def versions(bed, page):
    """Two versions are compared, and one is gone back to."""
    page.get_by_role("tab", name="Versions").click()
    page.get_by_role("radio", name="Compare from revision 1").check()
    page.get_by_text("good day").first.wait_for()
    bed.look(page, "template-versions")
    page.get_by_role("button", name="Go back to revision 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back").click()
    page.get_by_text("Revision 4 is what revision 1 was").wait_for()
    expect(bed.api("GET", "/v1/templates/greet/source")["files"]["plan.yaml"] == PLAN, "the text of then holds again")


def plan_and_runs(bed, page):
    """The plan's graph and steps, and the runs, are a tab away."""
    page.get_by_role("tab", name="Plan").click()
    page.get_by_role("heading", name="1 step").wait_for()
    page.locator(".template-graph svg").first.wait_for()
    bed.look(page, "template-plan")
    page.set_viewport_size({"width": 390, "height": 844})
    bed.until(lambda: page.locator(".template-graph").evaluate("(graph) => graph.getBoundingClientRect().right") <= 390,
              "on a phone the plan is as wide as the page")
    page.set_viewport_size({"width": 1400, "height": 900})
    page.get_by_role("tab", name="Runs").click()
    page.get_by_text("Succeeded").first.wait_for()


def without_text(bed, page):
    """What was made of a stored plan has no text: its plan is shown to read, and a text can be written anew."""
    digest = bed.api("POST", "/v1/plans", {"plan": PLAN})["digest"]
    bed.api("PUT", "/v1/templates/other", {"plan_digest": digest, "title": "Of a plan"})
    page.goto(f"{bed.base}/ui/templates/other")
    source = page.get_by_label("Source of other")
    page.get_by_text("was not kept").wait_for()
    expect(source.get_attribute("readonly") is not None, "the plan is there to read")
    page.get_by_role("button", name="Write it anew").click()
    bed.until(lambda: source.input_value().startswith("apiVersion"), "a text begins")
    page.get_by_text("Compiles").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved: revision 2").wait_for()
    bed.api("DELETE", "/v1/templates/other")


def listed(bed, page):
    """The list shows it with its latest runs; deleted, it is gone and its address says so."""
    page.get_by_role("link", name="Templates").click()
    row = page.locator("tbody tr", has=page.get_by_role("link", name="greet", exact=True).first)
    row.get_by_role("link", name="Succeeded").first.wait_for()
    bed.look(page, "templates")
    opened = {"New template": page.get_by_role("dialog"), "More for greet": page.get_by_role("menu")}
    for button, what in opened.items():
        page.get_by_role("button", name=button).first.click()
        what.wait_for()
        page.go_back()
        what.wait_for(state="detached")
        page.go_forward()
        row.get_by_role("link", name="Succeeded").first.wait_for()
    row.get_by_role("button", name="More for greet").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("No templates yet").wait_for()
    bed.look(page, "templates-empty")
    bed.allow("404")
    page.goto(f"{bed.base}/ui/templates/greet")
    page.get_by_text("There is no template greet").wait_for()


def main():
    with Bed() as bed:
        page = bed.page("/ui/templates")
        page.get_by_text("No templates yet").wait_for()
        written(bed, page)
        mended(bed, page)
        keys(bed, page)
        typed_on(bed, page)
        stored_elsewhere(bed, page)
        bed.allow("404")
        deleted_elsewhere(bed, page)
        page.goto(f"{bed.base}/ui/templates/greet")
        run_by_form(bed, page)
        two_at_once(bed, page)
        versions(bed, page)
        plan_and_runs(bed, page)
        without_text(bed, page)
        listed(bed, page)


main()
