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
TYPED = """
apiVersion: pulser/v1
kind: Plan
metadata: {name: typed}
inputs:
  count: {type: integer}
  list: {type: array}
steps:
  - id: work
    shell: {argv: [sh, -c, "true"], env: {COUNT: "{{ inputs.count }}", LIST: "{{ inputs.list }}"}}
    effects: idempotent
"""
ASKS = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "asks"}, "steps": [
    {"id": "sign-off", "system": {"approval": {"message": "Ship it?", "form": {
        "type": "object", "required": ["window"],
        "properties": {"window": {"enum": ["day", "night"]}, "count": {"type": "integer"}}}}}}]}
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


def told(page, line, answered):
    """Says a line as it stands, and waits for an answer to it that holds a text."""
    field = page.get_by_role("combobox", name="Command")
    field.fill(line)
    field.press("Enter")
    said = page.locator(".palette-entry.is-you", has_text=line).last
    said.locator("xpath=following-sibling::*[1]").filter(has_text=answered).wait_for()


def speaks(bed, page):
    """Lines of the command line do here what they do there, and what is not known is refused."""
    bed.api("POST", "/v1/sessions/spring/pause", {})
    run = bed.run([("work", "true")], name="later", session="spring", lane="A", wait=False)["id"]
    opened(page)
    told(page, f"opsroom runs priority {run} --to -7", "has priority -7")
    told(page, f"opsroom runs snooze {run} --for 30m", "is put off until")
    told(page, f"opsroom runs move {run} --lane B", "is in lane B")
    told(page, f"move {run} --first", "is in lane B")
    told(page, f"opsroom runs signal {run} paid --payload '{{\"amount\": 12}}' --key o-1", "Signal paid was sent")
    expect(bed.api("GET", f"/v1/runs/{run}/signals")["signals"][0]["payload"] == {"amount": 12}, "the payload is JSON")
    told(page, f"cancel {run} --because x", "is not known here")
    told(page, f"run deploy env=a --priority abc", "is no whole number")
    told(page, "list crashed", "is no status")
    told(page, "opsroom certs ca", "this page cannot")
    told(page, 'opsroom sessions create winter --intent "the winter release" --lane A --lane B:4:10', "with 2 lanes")
    made = bed.api("GET", "/v1/sessions/winter")
    expect(made["intent"] == "the winter release", f"the intent is the text alone: {made['intent']}")
    told(page, "limits set bank --rate 100/m:20", "Limit bank: 100/m:20")
    told(page, "lanes set winter/B --limit bank --key-width 2 --ageing none", "width 4, priority 10")
    lane = bed.api("GET", "/v1/sessions/winter/lanes/B")
    expect([lane["limits"], lane["key_width"], lane["ageing_ms"]] == [["bank"], 2, None], f"as it was said: {lane}")
    told(page, "lanes set winter/B --limit none", "is changed")
    told(page, "delete limit bank", "Remove this limit?")
    page.get_by_role("button", name="Remove it").click()
    answer(page, "is removed")
    told(page, "opsroom shards move 0-3 --to course --dry-run", "there already")
    told(page, "opsroom shards rebalance --dry-run", "Nothing moves")
    told(page, "opsroom retention set --runs 90d --events forever", "Nothing would go at once")
    page.get_by_role("button", name="Keep it so").click()
    answer(page, "Ended runs are kept for 90d")
    bed.api("POST", "/v1/schedules", {"name": "nightly", "template": "deploy", "rules": ["every 1h"], "inputs": {"env": "x"}})
    told(page, "opsroom schedules backfill nightly --from 2026-11-01T00:00:00Z --to 2026-11-01T00:00:01Z", "Make up these")
    page.get_by_role("button", name="Make the runs").click()
    answer(page, "made of")
    told(page, "opsroom schedules delete nightly --yes", "Delete this schedule?")
    page.get_by_role("button", name="Delete it").click()
    answer(page, "is deleted")
    told(page, "notes off", "No notes are shown")
    told(page, "notes on", "does not allow notes")
    page.keyboard.press("Escape")


def answers(bed, page):
    """A question is answered once, whenever the bar is opened; forms and dialogs open with what was said."""
    dead = bed.run([("boom", "echo connection refused >&2; exit 3")], name="letter", lane="L", inputs={})["id"]
    opened(page)
    told(page, f"discard {dead} --note 'done by hand'", "Put this dead letter aside?")
    page.keyboard.press("Escape")
    opened(page)
    page.get_by_role("button", name="Put it aside").click()
    answer(page, "is put aside")
    expect(bed.api("GET", f"/v1/dead/{dead}")["discarded"]["note"] == "done by hand", "the note is the text alone")
    page.keyboard.press("Escape")
    opened(page)
    answer(page, "is put aside")
    expect(page.locator(".palette-log .button").count() == 0, "no button of before is there again")

    # The form has the values by their type; an old answer's button opens it, too.
    told(page, "run typed count=3 list=[1,2] wrong=1", "It was not started")
    page.keyboard.press("Escape")
    opened(page)
    page.get_by_role("button", name="Fill in the form").click()
    form = page.get_by_role("dialog", name="Run typed")
    form.get_by_label("count").wait_for()
    expect(form.get_by_label("count").input_value() == "3", "a number has no quotes")
    expect(form.get_by_label("list").input_value() == "[1,2]", "a list is one")
    expect(page.get_by_role("combobox", name="Command").count() == 0, "the bar is closed")
    page.keyboard.press("Escape")

    # A step that asks a form shows it; one that is filled in the line is sent.
    run = bed.api("POST", "/v1/runs", {"plan": ASKS, "lane": "F"})["id"]
    bed.until(lambda: bed.api("GET", f"/v1/runs/{run}")["status"] == "waiting", "it waits")
    opened(page)
    field = page.get_by_role("combobox", name="Command")
    field.fill(f"approve {run} --comment 'at night'")
    field.press("Enter")
    card = page.locator(".approval-card", has_text="Ship it?")
    expect(card.get_by_label("Comment").input_value() == "at night", "what was said stands in it")
    page.keyboard.press("Escape")
    opened(page)
    told(page, f"approve {run} --form window=night --form count=2", "is approved")
    expect(bed.ended(run)["status"] == "succeeded", "the run goes on")

    # Many runs are counted and asked about in their own dialog.
    field.fill("opsroom bulk retry --filter 'status=failed lane=L' --reason again")
    field.press("Enter")
    dialog = page.get_by_role("dialog", name="Retry many runs")
    dialog.get_by_text("1 run of").wait_for()
    expect(dialog.get_by_label("Reason").input_value() == "again", "the reason stands in it")
    page.keyboard.press("Escape")

    # What the node finds by more than is shown is there.
    opened(page)
    field.fill("no such customer")
    bed.until(lambda: page.get_by_role("group", name="Runs found").count() > 0, "found by its inputs")
    page.keyboard.press("Control+k")
    expect(field.input_value() == "no such customer", "the key that opens it takes nothing away")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")


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
    bed.until(lambda: page.locator(".palette-entry").last.evaluate(
        "(entry) => entry.getBoundingClientRect().top >= entry.parentElement.getBoundingClientRect().top"),
        "a long answer is seen from its beginning")
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
    bed.api("PUT", "/v1/templates/typed", {"plan": TYPED}, headers={"if-none-match": "*"})
    bed.api("POST", "/v1/runs", {"template": "deploy", "inputs": {"env": "no such customer"}, "lane": "N"})
    failed = bed.run(FAILS, name="broken")["id"]
    held = bed.run([("hold", "sleep 300")], name="held", lane="H", wait=False)["id"]
    page = bed.page("/ui/sessions")
    looks(bed, page)
    bed.allow("422")
    starts(bed, page)
    changes(bed, page, failed, held)
    speaks(bed, page)
    answers(bed, page)
    goes(bed, page)
    narrow = bed.page("/ui/runs", bed.new_context(viewport={"width": 390, "height": 800}))
    narrow.get_by_role("button", name="Search or run a command").click()
    narrow.get_by_role("option", name="retry <run>").wait_for()
    bed.look(narrow, "palette-narrow")
