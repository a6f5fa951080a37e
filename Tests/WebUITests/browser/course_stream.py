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


def signed_out_and_in(bed):
    """Who signs out in one tab is signed out in the other; signed in again in one, both go on, and one of them leads."""
    bed.allow("status of 401")
    context = bed.new_context()
    pages = [bed.page("/ui/sessions/room", context), bed.page("/ui/sessions/room", context)]
    for page in pages:
        word(page, "Live")
    context.request.delete(f"{bed.base}/v1/browser-session", headers={
        "x-csrf-token": context.request.get(f"{bed.base}/v1/browser-session").json()["csrf_token"]})
    for page in pages:
        page.get_by_label("Token").wait_for()
    pages[1].get_by_label("Token").fill(bed.token)
    pages[1].get_by_role("button", name="Sign in").click()
    for page in pages:
        word(page, "Live")
    run = bed.run([("work", "true")], name="signed-in", wait=False, session="room", lane="B")
    pages[0].goto(f"{bed.base}/ui/sessions/room")
    for page in pages:
        lane(page, "B").locator(".recent", has_text="signed-in").wait_for()
    bed.ended(run["id"])
    context.close()


def too_many_lanes(bed):
    """With more lanes than one stream follows, the board in view is live, and the rest is asked for."""
    bed.allow("status of 400")
    bed.api("POST", "/v1/sessions", {"name": "room", "lanes": [{"name": "A"}, {"name": "B"}]})
    for number in range(260):
        bed.api("POST", "/v1/sessions", {"name": f"many-{number}", "lanes": [{"name": name} for name in "ABCD"]})
    context = bed.new_context()
    page = bed.page("/ui/sessions", context)
    word(page, "Every 5 s")
    page.goto(f"{bed.base}/ui/sessions/room")
    word(page, "Live")
    run = bed.run([("work", "true")], name="narrow", wait=False, session="room", lane="B")
    lane(page, "B").locator(".recent", has_text="narrow").wait_for()
    bed.ended(run["id"])
    page.get_by_role("link", name="Runs", exact=True).click()
    word(page, "Every 5 s")
    bed.run([("work", "true")], name="asked-for", wait=False, session="many-7", lane="C")
    page.get_by_role("link", name="asked-for").wait_for()
    context.close()


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
    for page in pages:
        page.close()
    signed_out_and_in(bed)

# Nobody has followed all lanes of this node while they were few.
with Bed() as bed:
    too_many_lanes(bed)
