"""The command bar: opened by key, completed from the node, done, asked before what ends something, remembered."""

from bed import Bed, expect

PLAN = """
apiVersion: pulser/v1
kind: Plan
metadata: {name: deploy}
inputs:
  env: {type: string}
steps:
  - id: work
    shell: {argv: [sh, -c, 'echo "to $ENV"'], env: {ENV: "{{ inputs.env }}"}}
    effects: idempotent
"""
FAILS = [("first", "true"), ("boom", "exit 3")]


def titles(page):
    return [text.strip() for text in page.locator(".palette-title").all_inner_texts()]


def say(bed, page, text, wait=None):
    """Types a line whole and has it done."""
    field = page.get_by_role("combobox", name="Command")
    field.fill(text)
    bed.until(lambda: page.locator("[role=option]").count() > 0, f"something is offered for {text}")
    if wait:
        bed.until(lambda: any(wait in title for title in titles(page)), f"{wait} is offered for {text}, not {titles(page)}")
    field.press("Enter")


def answer(page, text):
    page.locator(".palette-entry.is-room", has_text=text).last.wait_for()


def opened(page):
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Command").wait_for()


def looks(bed, page):
    """Ctrl+K opens it anywhere, Esc closes it and gives the focus back."""
    page.get_by_role("link", name="Sessions").focus()
    opened(page)
    expect(page.evaluate("document.activeElement.getAttribute('role')") == "combobox", "the field has the focus")
    page.get_by_role("option", name="retry <run>").wait_for()
    bed.look(page, "palette")
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Command").wait_for(state="detached")
    expect(page.evaluate("document.activeElement.textContent.trim()") == "Sessions", "the focus is back where it was")


def starts(bed, page):
    """A template is completed, its inputs too; one that is missing opens the form."""
    opened(page)
    field = page.get_by_role("combobox", name="Command")
    field.type("run dep")
    bed.until(lambda: "deploy" in titles(page), "the template is offered")
    field.press("Enter")
    bed.until(lambda: field.input_value() == "run deploy ", "the template is taken")
    bed.until(lambda: "env=" in titles(page), f"its inputs are offered, not {titles(page)}")
    bed.look(page, "palette-inputs")
    say(bed, page, "run deploy env=staging --lane B", wait="run deploy env=staging --lane B")
    answer(page, "is queued in default / B")
    run = bed.api("GET", "/v1/runs?template=deploy")["runs"][0]
    expect(run["inputs"]["env"] == "staging" and run["lane"] == "B", f"as it was said: {run['inputs']}")
    say(bed, page, "run deploy", wait="deploy")
    page.get_by_role("button", name="Fill in the form").click()
    page.get_by_role("dialog", name="Run deploy").get_by_label("env").wait_for()
    page.keyboard.press("Escape")


def changes(bed, page, failed, held):
    """Retry, pause, cancel with a question, why; wrong ones are told with what to do."""
    opened(page)
    field = page.get_by_role("combobox", name="Command")
    field.fill("retry brok")
    bed.until(lambda: any(title.startswith("broken") for title in titles(page)), "the run is found by its plan's name")
    field.press("Enter")
    bed.until(lambda: "broken" in titles(page)[0] or titles(page)[0].startswith("retry "), "the run is taken")
    if field.input_value():
        field.press("Enter")
    answer(page, "is queued once more")
    bed.until(lambda: bed.api("GET", f"/v1/runs/{failed}")["attempt"] == 2, "it is retried")
    say(bed, page, f"pause run {held}", wait=held[:8])
    answer(page, "is paused")
    say(bed, page, f"resume run {held}", wait=held[:8])
    answer(page, "goes on")
    say(bed, page, f"why {held}")
    page.locator(".palette-entry.is-room").last.wait_for()
    say(bed, page, f"cancel {held} wrong customer", wait=f"cancel {held} wrong customer")
    answer(page, "Cancel this run?")
    bed.look(page, "palette-asks")
    expect(bed.api("GET", f"/v1/runs/{held}")["status"] != "cancelled", "nothing is done before the answer")
    page.get_by_role("button", name="Leave it").click()
    answer(page, "Nothing was done")
    say(bed, page, f"cancel {held} wrong customer", wait=f"cancel {held} wrong customer")
    page.get_by_role("button", name="Cancel the run").click()
    bed.until(lambda: bed.api("GET", f"/v1/runs/{held}")["status"] == "cancelled", "it is cancelled")
    say(bed, page, "pause lane default/A maintenance")
    answer(page, "takes no runs until it is resumed")
    say(bed, page, "resume lane default/A")
    answer(page, "takes runs again")
    bed.allow("404")
    say(bed, page, "retry 00000000")
    page.locator(".palette-entry.is-error").last.wait_for()
    say(bed, page, "new session spring for the spring release")
    answer(page, "Session spring is there")
    page.get_by_role("link", name="Open the board").click()
    page.wait_for_url("**/ui/sessions/spring")


def early(bed):
    """A key that is pressed while the node still says who is signed in is not lost."""
    context = bed.new_context()
    held = []
    context.route("**/v1/browser-session", lambda route: held.append(route))
    page = bed.page("/ui/sessions", context)
    bed.until(lambda: held or page.wait_for_timeout(50), "the page asks who is signed in")
    page.keyboard.press("Control+k")
    for route in held:
        route.continue_()
    page.get_by_role("combobox", name="Command").wait_for()
    context.close()


def goes(bed, page):
    """Places are opened, lists filtered, settings set; a plain text is answered with what can be said."""
    opened(page)
    say(bed, page, "go to metrics")
    page.wait_for_url("**/ui/metrics")
    opened(page)
    expect(titles(page)[0] == "go to metrics", f"the recent is first, not {titles(page)[:2]}")
    say(bed, page, "list failed")
    page.wait_for_url("**/ui/runs?status=failed")
    opened(page)
    say(bed, page, "theme light")
    answer(page, "The theme is light")
    expect(page.evaluate("document.documentElement.dataset.theme") == "light", "the theme is set")
    say(bed, page, "theme system")
    say(bed, page, "density compact")
    answer(page, "Rows stand close")
    say(bed, page, "density default")
    say(bed, page, "please restart the billing worker")
    answer(page, "is no command I know")
    say(bed, page, "help")
    answer(page, "This can be said here")
    bed.look(page, "palette-log")
    page.keyboard.press("Escape")
    page.reload()
    opened(page)
    expect(titles(page)[0] == "help", "what was used lately is kept")
    early(bed)
    field = page.get_by_role("combobox", name="Command")
    field.fill("broken")
    page.get_by_role("group", name="Runs found").get_by_role("option").first.click()
    page.wait_for_url("**/ui/runs/*")


with Bed() as bed:
    bed.api("PUT", "/v1/templates/deploy", {"plan": PLAN}, headers={"if-none-match": "*"})
    failed = bed.run(FAILS, name="broken")["id"]
    held = bed.run([("hold", "sleep 300")], name="held", lane="H", wait=False)["id"]
    page = bed.page("/ui/sessions")
    looks(bed, page)
    bed.allow("422")
    starts(bed, page)
    changes(bed, page, failed, held)
    goes(bed, page)
    narrow = bed.page("/ui/runs", bed.new_context(viewport={"width": 390, "height": 800}))
    narrow.get_by_role("button", name="Search or run a command").click()
    narrow.get_by_role("option", name="retry <run>").wait_for()
    bed.look(narrow, "palette-narrow")
