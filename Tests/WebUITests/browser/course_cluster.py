"""The cluster: a node with its lease and shards, drained and taking part again, what a round would move."""

from bed import Bed, expect


def shown(bed, page):
    """The node coordinates, holds all shards, and its checks hold."""
    row = page.get_by_role("row", name="course")
    row.get_by_text("Active").wait_for()
    row.get_by_text("coordinates").wait_for()
    bed.until(lambda: row.get_by_text("1024").count() > 0, "it has all shards")
    page.get_by_text("goes on").wait_for()
    page.get_by_text("applied, the last one").wait_for()
    bed.until(lambda: page.locator(".shard-map rect.owner-0").count() == 1024, "the map shows whose they are")
    bed.look(page, "cluster")


def read_by_keys(bed, page):
    """The map is read and chosen from with the keyboard."""
    page.locator(".shard-map").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.get_by_text("Shard 65: course, served").wait_for()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Move 1 shard").click()
    page.get_by_role("dialog").get_by_text("1 there already").wait_for()
    bed.look(page, "cluster-move")
    page.get_by_role("dialog").get_by_role("button", name="Back").click()
    page.get_by_role("button", name="Clear 1 shard").click()


def drained(bed, page):
    """Drained from the page it says so at once; a run waits meanwhile and goes on afterwards."""
    page.get_by_role("button", name="Drain course").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("only node that takes shards").wait_for()
    dialog.get_by_role("button", name="Drain", exact=True).click()
    row = page.get_by_role("row", name="course")
    row.get_by_text("Draining").wait_for()
    page.get_by_text("No node takes shards").wait_for()
    expect(bed.api("GET", "/v1/nodes/course")["status"] == "draining", "the node knows")
    bed.look(page, "cluster-draining")
    row.get_by_role("button", name="Undrain course").click()
    row.get_by_text("Active").wait_for()
    bed.until(lambda: page.get_by_text("No node takes shards").count() == 0, "nothing is wrong any more")
    bed.until(lambda: bed.api("GET", "/v1/cluster")["nodes"][0]["running"] == 1024, "it has its shards again", 60)
    expect(bed.run([["one", "true"]])["status"] == "succeeded", "and runs run")


def gone(bed, page):
    """Nodes that are gone are told when they are asked for."""
    page.get_by_role("button", name="Show nodes that are gone").click()
    page.get_by_text("None is gone.").wait_for()
    page.get_by_role("button", name="Hide nodes that are gone").click()
    page.get_by_role("button", name="More for course").click()
    page.get_by_role("menuitem", name="Evict").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("course")
    page.get_by_role("dialog").get_by_role("button", name="Evict").click()
    page.get_by_role("row", name="course").get_by_text("#2").wait_for()
    page.get_by_role("button", name="Show nodes that are gone").click()
    page.locator(".nodes-table tr.is-gone", has_text="Gone").wait_for()
    bed.look(page, "cluster-gone")


def even(bed, page):
    """What a round would move is told before it is done."""
    page.get_by_role("button", name="Make loads even").click()
    page.get_by_role("dialog").get_by_text("It would move nothing").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Back").click()


def reader(bed):
    """Who may only read sees everything and can change nothing."""
    token = bed.api("POST", "/v1/tokens", {"name": "looker", "scope": "read"})["token"]
    context = bed.new_context()
    context.request.post(f"{bed.base}/v1/browser-session", data={"token": token})
    page = bed.page("/ui/cluster", context)
    page.get_by_role("button", name="Drain course").wait_for()
    expect(page.get_by_role("button", name="Drain course").is_disabled(), "no draining")
    expect(page.get_by_role("button", name="Make loads even").is_disabled(), "no moving")
    context.close()


def main():
    with Bed() as bed:
        page = bed.page("/ui/cluster")
        shown(bed, page)
        read_by_keys(bed, page)
        even(bed, page)
        drained(bed, page)
        reader(bed)
        gone(bed, page)


main()
