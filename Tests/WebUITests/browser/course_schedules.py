"""Schedules: made by a form, shown with their next ticks, run now, paused, changed, made up, deleted."""

from bed import Bed, expect

PLAN = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "tick"},
        "inputs": {"who": {"type": "string", "default": "all", "title": "For whom"}},
        "steps": [{"id": "say", "effects": "none", "shell": {"argv": ["echo", "{{ inputs.who }}"]}}]}

END = "2099-05-06T07:08:09.000Z"


def made(bed, page):
    """The form refuses what is no rule in the node's words, and makes what is one."""
    page.get_by_role("button", name="New schedule").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("hourly-tick")
    dialog.get_by_label("When").fill("61 * * * *")
    dialog.get_by_label("Zone").fill("Europe/Berlin")
    dialog.get_by_label("For whom").fill("the night")
    bed.allow("422")
    bed.allow("400")
    dialog.get_by_role("button", name="Make the schedule").click()
    dialog.locator(".error-panel").get_by_text("minute 61 does not exist").wait_for()
    bed.look(page, "schedule-form")
    dialog.get_by_label("When").fill("@hourly")
    dialog.get_by_role("button", name="Make the schedule").click()
    page.wait_for_url("**/ui/schedules/hourly-tick")
    bed.until(lambda: page.locator(".ticks li").count() == 8, "its next ticks are told")
    known = bed.api("GET", "/v1/schedules/hourly-tick")
    expect(known["inputs"] == {"who": "the night"} and known["zone"] == "Europe/Berlin", f"as it was said: {known}")


def run_now(bed, page):
    """Run now makes a run that the page shows to its end."""
    page.get_by_role("button", name="Run now").dblclick()
    page.get_by_text("hourly-tick runs now").wait_for()
    page.locator("tbody").get_by_text("Succeeded").first.wait_for()
    page.locator("tbody").get_by_text("by hand").first.wait_for()
    bed.look(page, "schedule")
    expect(len(bed.api("GET", "/v1/schedules/hourly-tick/runs")["runs"]) == 1, "a double click is one")


def busy(bed, page):
    """While a run is open another one is offered behind it, not refused with a shrug."""
    bed.api("PUT", "/v1/templates/slow", {"plan": {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "slow"},
            "steps": [{"id": "ask", "effects": "none", "system": {"approval": {"message": "Go on?"}}}]}})
    bed.api("POST", "/v1/schedules", {"name": "slow-tick", "template": "slow", "rules": ["@yearly"]})
    page.goto(f"{bed.base}/ui/schedules/slow-tick")
    page.get_by_role("button", name="Run now").click()
    page.locator("tbody").get_by_text("Waiting").wait_for()
    bed.allow("409")
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("dialog").get_by_role("button", name="Queue it").click()
    bed.until(lambda: page.locator("tbody tr").count() == 2, "a second one is queued")
    bed.api("DELETE", "/v1/schedules/slow-tick")
    page.goto(f"{bed.base}/ui/schedules/hourly-tick")


def paused(bed, page):
    """Paused it says by whom and why; resumed it goes on."""
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Why").fill("a holiday")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    page.get_by_text("a holiday").wait_for()
    expect(bed.api("GET", "/v1/schedules/hourly-tick")["paused"]["reason"] == "a holiday", "the node knows why")
    page.get_by_role("button", name="Resume").click()
    bed.until(lambda: bed.api("GET", "/v1/schedules/hourly-tick")["paused"] is None, "it goes on")


def changed(bed, page):
    """An edit keeps what was not touched; ticks of the past are made up."""
    bed.api("PATCH", "/v1/schedules/hourly-tick", {"end": END})
    page.reload()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("For whom").input_value() == "the night", "the form begins with what is there")
    dialog.get_by_label("Title").fill("Every hour")
    dialog.get_by_label("When").fill("every 30m")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("is changed").wait_for()
    page.locator("code", has_text="every 30m").wait_for()
    known = bed.api("GET", "/v1/schedules/hourly-tick")
    expect(known["inputs"] == {"who": "the night"} and known["title"] == "Every hour", f"the rest stays: {known}")
    expect(known["end"] == END, f"its seconds stay: {known['end']}")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Make up").click()
    page.get_by_role("dialog").get_by_role("button", name="Make the runs").click()
    page.get_by_text("runs made of").wait_for()


def other_template(bed, page):
    """Another template without inputs takes none of the old one's."""
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("For whom").wait_for()
    dialog.get_by_label("Template").select_option("slow")
    dialog.get_by_label("For whom").wait_for(state="detached")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("is changed").first.wait_for()
    known = bed.until(lambda: (one := bed.api("GET", "/v1/schedules/hourly-tick"))["template"] == "slow" and one, "it is")
    expect(known["inputs"] == {}, f"nothing of the old is sent: {known['inputs']}")


def listed(bed, page):
    """The list filters, and forgets what is deleted."""
    page.get_by_role("link", name="Schedules").click()
    page.get_by_role("link", name="hourly-tick").wait_for()
    bed.look(page, "schedules")
    page.get_by_label("Filter schedules").fill("nothing")
    page.get_by_text("No schedule fits").wait_for()
    page.get_by_role("button", name="Clear it").click()
    page.get_by_role("button", name="More for hourly-tick").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("Nothing begins by itself yet").wait_for()
    bed.look(page, "schedules-empty")


def main():
    with Bed() as bed:
        bed.api("PUT", "/v1/templates/tick", {"plan": PLAN, "title": "Ticks"})
        page = bed.page("/ui/schedules")
        page.get_by_text("Nothing begins by itself yet").wait_for()
        made(bed, page)
        run_now(bed, page)
        busy(bed, page)
        paused(bed, page)
        changed(bed, page)
        other_template(bed, page)
        listed(bed, page)


main()
