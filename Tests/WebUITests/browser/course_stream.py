"""A node that dies and comes back: the page says so, keeps what it knew, and is right again by itself."""

from bed import Bed, expect

HOLD = "while [ ! -e {gate} ]; do sleep 0.05; done"


def lane(page, name):
    return page.get_by_role("region", name=f"Lane {name}", exact=True)


def word(page, text):
    page.locator(".stream-badge", has_text=text).wait_for(timeout=30_000)


def died(bed, pages):
    """Every tab says that the stream is away, and goes on showing what was there."""
    bed.allow("ERR_CONNECTION_REFUSED")
    bed.allow("ERR_INCOMPLETE_CHUNKED_ENCODING")
    bed.allow("ERR_CONNECTION_RESET")
    bed.allow("ERR_EMPTY_RESPONSE")
    bed.allow("status of 503")
    bed.kill()
    for page in pages:
        word(page, "Reconnecting")
        page.locator(".stale-strip", has_text="Not up to date").wait_for()
        expect(lane(page, "A").get_by_role("link", name="held", exact=True).count() == 1, "the cards are still there")
    bed.look(pages[0], "board-node-away")


def returned(bed, pages, gate, run):
    """With the node back the tabs are live, and show what came of the runs meanwhile."""
    gate.touch()
    bed.start()
    for page in pages:
        word(page, "Live")
    expect(bed.ended(run["id"], 90)["status"] == "succeeded", "the run goes on after the node's end")
    for page in pages:
        lane(page, "A").locator(".recent", has_text="held").wait_for()
        bed.until(lambda: page.locator(".stale-strip").count() == 0, "nothing says stale any more")


def live_again(bed, pages):
    """What happens from now on comes with the stream again."""
    second = bed.folder / "second"
    run = bed.run([("work", HOLD.format(gate=second))], name="after", wait=False, session="room", lane="B")
    for page in pages:
        lane(page, "B").locator(".card.is-running", has_text="after").wait_for()
    second.touch()
    bed.ended(run["id"])
    for page in pages:
        lane(page, "B").locator(".recent", has_text="after").wait_for()


with Bed() as bed:
    gate = bed.folder / "gate"
    bed.api("POST", "/v1/sessions", {"name": "room", "lanes": [{"name": "A"}, {"name": "B"}]})
    steps = [("first", "true"), ("wait", HOLD.format(gate=gate))]
    run = bed.run(steps, name="held", wait=False, session="room", lane="A")
    pages = [bed.page("/ui/sessions/room"), bed.page("/ui/sessions/room")]
    for page in pages:
        word(page, "Live")
        lane(page, "A").locator(".card.is-running", has_text="held").wait_for()
    died(bed, pages)
    returned(bed, pages, gate, run)
    live_again(bed, pages)
