"""The Runboard against a real node: first steps, lanes, live cards, pause, cancel, moves by pointer and by keys."""

from bed import Bed, expect

WAITS = "while [ ! -e {gate} ]; do sleep 0.05; done"


def first_steps(bed, page):
    """A room without a run teaches the first one, and never again."""
    page.get_by_text("Three steps to the first run").wait_for()
    page.locator(".first-steps li.is-done", has_text="A node is up").wait_for()
    expect(page.locator(".ghost-lane").count() == 4, "the four lane heads are shown")
    bed.look(page, "board-first-steps")
    page.get_by_role("button", name="Run sample").click()
    page.locator(".card, .recent", has_text="sample").first.wait_for()
    expect(page.get_by_text("Three steps to the first run").count() == 0, "the steps are gone after the first run")
    page.locator(".recent", has_text="sample").wait_for()


def new_session(bed, page):
    """A session is made with its lanes, and is what is shown then."""
    page.get_by_role("button", name="Session", exact=True).click()
    page.get_by_role("menuitem", name="Archive").wait_for()
    page.get_by_role("menuitem", name="New session").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("release")
    dialog.get_by_label("What it is for").fill("Release 4.2")
    expect(dialog.get_by_label("Name of lane").count() == 4, "four lanes are proposed")
    bed.look(page, "session-new")
    dialog.get_by_role("button", name="Make the session").click()
    page.wait_for_url("**/ui/sessions/release")
    page.get_by_role("heading", name="release").wait_for()
    bed.until(lambda: page.locator(".lane").count() == 4, "its lanes are columns")
    page.get_by_text("Release 4.2").wait_for()


def plan(bed, gate, name="hold"):
    steps = [("first", "true"), ("hold", WAITS.format(gate=gate))]
    return bed.run(steps, name=name, wait=False, session="release", lane="A")


def lane(page, name):
    return page.get_by_role("region", name=f"Lane {name}", exact=True)


def names(page, name):
    return [text.strip() for text in lane(page, name).locator(".card.is-queued .card-link").all_inner_texts()]


def live(bed, page, gate):
    """A card goes from the queue to running to its end by itself, within a moment."""
    held = plan(bed, gate)
    card = lane(page, "A").locator(".card.is-running")
    card.get_by_text("hold").first.wait_for()
    page.locator(".pulse.is-alive").wait_for()
    card.get_by_text("1/2").wait_for()
    for name in ["one", "two", "three", "four"]:
        bed.run([("work", "true")], name=name, wait=False, session="release", lane="A")
    bed.until(lambda: names(page, "A") == ["one", "two", "three", "four"], "the queue is in the order of its claims")
    lane(page, "A").get_by_role("link", name="4 queued").wait_for()
    return held


def keys(bed, page):
    """Arrows lead from card to card; with shift they move a queued one."""
    page.locator("body").press("ArrowDown")
    for _ in range(5):
        page.keyboard.press("ArrowDown")
        if page.evaluate("document.activeElement.textContent.trim()") == "three":
            break
    expect(page.evaluate("document.activeElement.textContent.trim()") == "three", "arrows lead to the card")
    page.keyboard.press("Shift+ArrowUp")
    bed.until(lambda: names(page, "A") == ["one", "three", "two", "four"], "shift and up move it up")
    bed.until(lambda: queue(bed, "A") == ["one", "three", "two", "four"], "the node has it there too")
    page.keyboard.press("Shift+ArrowRight")
    bed.until(lambda: names(page, "A") == ["one", "two", "four"], "shift and right move it to the next lane")
    bed.until(lambda: "three" in ended(bed, "B"), "where it runs, because that lane is free")


def board(bed, name):
    document = bed.api("GET", "/v1/sessions/release/board")
    return next(one for one in document["lanes"] if one["name"] == name)


def queue(bed, name):
    return [card["plan"] for card in board(bed, name)["cards"] if card["status"] == "queued"]


def ended(bed, name):
    return [card["plan"] for card in board(bed, name)["recent"]]


def card_of(page, name, plan):
    return lane(page, name).locator(".card.is-queued", has=page.get_by_role("link", name=plan, exact=True))


def drag(bed, page):
    """A queued card is drawn to another place and to another lane; Esc puts it back."""
    lane(page, "B").get_by_role("button", name="Pause lane B").click()
    lane(page, "B").get_by_text("Paused by").wait_for()
    bed.until(lambda: board(bed, "B")["paused"], "the lane is paused")
    move(page, card_of(page, "A", "four"), card_of(page, "A", "one"), -12)
    bed.until(lambda: names(page, "A") == ["four", "one", "two"], "drawn to the front")
    bed.until(lambda: queue(bed, "A") == ["four", "one", "two"], "the node has it in front")
    box = lane(page, "B").locator(".lane-cards").bounding_box()
    begin = card_of(page, "A", "one").bounding_box()
    page.mouse.move(begin["x"] + 60, begin["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 60, steps=4)
    page.locator(".drag-ghost").wait_for()
    page.locator(".lane.is-target").wait_for()
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".drag-ghost").count() == 0, "Esc ends the drag")
    expect(names(page, "A") == ["four", "one", "two"], "and leaves the card where it was")
    move(page, card_of(page, "A", "one"), lane(page, "B").locator(".lane-cards"), 30)
    bed.until(lambda: names(page, "B") == ["one"], "drawn to the other lane")
    bed.until(lambda: queue(bed, "B") == ["one"], "the node has it there")
    expect(page.url.endswith("/ui/sessions/release"), "a drag opens nothing")
    bed.look(page, "board")


def move(page, card, target, offset):
    begin, end = card.bounding_box(), target.bounding_box()
    page.mouse.move(begin["x"] + 60, begin["y"] + begin["height"] / 2)
    page.mouse.down()
    page.mouse.move(begin["x"] + 70, begin["y"] + begin["height"] / 2 + 4, steps=3)
    page.mouse.move(end["x"] + 60, end["y"] + end["height"] / 2 + offset, steps=6)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.mouse.up()


def refused(bed, page, gate):
    """A move that the node refuses goes back, and says why."""
    page.route("**/v1/runs/*", lambda route: route.fulfill(status=409, content_type="application/problem+json",
               body='{"detail":"the run is not queued any more","code":"conflict","next":"look at it"}')
               if route.request.method == "PATCH" else route.continue_())
    bed.allow("status of 409")
    move(page, card_of(page, "A", "two"), card_of(page, "A", "four"), -12)
    page.locator(".toast.is-error", has_text="not queued any more").wait_for()
    bed.until(lambda: names(page, "A") == ["four", "two"], "it stands where it stood")
    page.locator(".toast.is-error").get_by_role("button", name="Close").click()
    page.unroute("**/v1/runs/*")


def cancel(bed, page, held):
    """A run is ended with a reason, after a question, and its card says so."""
    lane(page, "A").get_by_role("link", name="hold", exact=True).focus()
    page.keyboard.press("x")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill("the wrong version")
    bed.look(page, "board-cancel")
    dialog.get_by_role("button", name="Cancel the run").click()
    page.locator(".toast", has_text="was asked to end").wait_for()
    document = bed.ended(held["id"])
    expect(document["status"] == "cancelled", f"it has ended: {document['status']}")
    expect("the wrong version" in str(document["failure"]), f"it says why: {document['failure']}")
    lane(page, "A").locator(".recent", has_text="hold").wait_for()


def failed(bed, page, gate):
    """A failed run is framed, says why, and goes again from what failed."""
    bed.run([("check", f"test -e {gate}")], name="checked", session="release", lane="C")
    card = lane(page, "C").locator(".recent.is-failed", has_text="checked")
    card.get_by_text("step 'check' failed").wait_for()
    gate.touch()
    card.get_by_role("button", name="Retry").dblclick()
    lane(page, "C").locator(".recent:not(.is-failed)", has_text="checked").wait_for()


def asked(bed, page):
    """What waits for a person is first, counted, in the title, and is decided from its card."""
    steps = [{"id": "ask", "system": {"approval": {"message": "May it go?", "timeout": "1h"}}}]
    run = bed.run([], name="asked", wait=False, session="release", lane="C", plan={"steps": steps})
    card = lane(page, "C").locator(".card.is-person", has_text="asked")
    card.get_by_text("Waits for approval in ask").wait_for()
    page.get_by_role("link", name="1 waits for people").wait_for()
    bed.until(lambda: page.title().startswith("(1) "), "the title counts it")
    card.get_by_role("button", name="Approve or reject").click()
    bed.look(page, "board-approval")
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    lane(page, "C").locator(".recent", has_text="asked").wait_for()
    expect(bed.ended(run["id"])["status"] == "succeeded", "the run goes on")
    expect(page.get_by_role("dialog").count() == 0, "the dialog is closed")


def dock(bed, page):
    """The log of the chosen run opens below the lanes."""
    lane(page, "C").get_by_role("link", name="checked").focus()
    page.keyboard.press("o")
    page.locator(".dock .dock-head", has_text="checked").wait_for()
    bar = page.get_by_role("separator", name="Height of the log")
    before = int(bar.get_attribute("aria-valuenow"))
    bar.focus()
    page.keyboard.press("ArrowUp")
    expect(int(bar.get_attribute("aria-valuenow")) > before, "its height follows the keys")
    page.get_by_role("button", name="Close the log").click()
    expect(page.locator(".dock").count() == 0, "it closes")


def resume(bed, page):
    """A lane goes on where it was paused, by the key too."""
    card_of(page, "B", "one").get_by_role("link").focus()
    page.keyboard.press("p")
    bed.until(lambda: "one" in ended(bed, "B"), "the lane goes on")
    lane(page, "B").locator(".recent", has_text="one").wait_for()
    bed.until(lambda: lane(page, "B").get_by_text("Paused by").count() == 0, "nothing says paused any more")


def lanes(bed, page):
    """A lane is changed and another one made, from the page."""
    lane(page, "D").get_by_role("button", name="Settings of lane D").click()
    page.get_by_role("menuitem", name="Width and priority").click()
    page.get_by_role("dialog").get_by_label("Width").fill("3")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    lane(page, "D").get_by_text("0/3").wait_for()
    page.get_by_role("button", name="Lane", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Make the lane").click()
    lane(page, "E").wait_for()


def tabs(bed, page):
    """Two tabs of one browser read one stream, and both are live."""
    other = bed.page("/ui/sessions/release")
    lane(other, "D").wait_for()
    bed.until(lambda: other.locator(".stream-badge.is-live").count() == 1, "the second tab hears of the stream")
    streams = sum(one.evaluate("performance.getEntriesByType('resource').filter((entry) => "
                               "entry.name.includes('/v1/events')).length") for one in [page, other])
    leaders = [one.evaluate("navigator.locks.query().then((all) => all.held.filter((lock) => "
                            "lock.name === 'opsroom-stream').length)") for one in [page, other]]
    expect(leaders == [1, 1], f"one tab holds the stream for both: {leaders}, {streams}")
    bed.run([("a", "true")], name="for-both", session="release", lane="D")
    for one in [page, other]:
        lane(one, "D").locator(".recent", has_text="for-both").wait_for()
    other.keyboard.press("p")
    other.locator(".toast", has_text="choose one of its cards").wait_for()
    paused = [one["name"] for one in bed.api("GET", "/v1/sessions/release/board")["lanes"] if one["paused"]]
    expect(paused == [], f"the key pauses no lane that nobody chose: {paused}")
    other.close()


def touched(bed, context, page):
    """A finger that rests on a queued card takes it along; one that moves at once scrolls."""
    bed.api("POST", "/v1/sessions/release/lanes/A/pause", {})
    for name in ["up", "down"]:
        bed.run([("work", "true")], name=name, wait=False, session="release", lane="A")
    bed.until(lambda: names(page, "A") == ["up", "down"], "two are queued")
    begin, end = card_of(page, "A", "down").bounding_box(), card_of(page, "A", "up").bounding_box()
    fingers = context.new_cdp_session(page)

    def at(kind, *points):
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    at("touchStart", (begin["x"] + 60, begin["y"] + 15))
    page.locator(".drag-ghost").wait_for()
    at("touchMove", (end["x"] + 70, end["y"] + 20))
    at("touchMove", (end["x"] + 70, end["y"] + 4))
    page.locator(".drop-line:visible").wait_for()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    at("touchEnd")
    bed.until(lambda: names(page, "A") == ["down", "up"], "the finger took it to the front")
    bed.until(lambda: queue(bed, "A") == ["down", "up"], "the node has it there")


def phone(bed):
    """On a telephone the lanes are swiped."""
    context = bed.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = bed.page("/ui/sessions/release", context)
    lane(page, "A").wait_for()
    bed.look(page, "board-phone")
    expect(page.locator(".recent .card-more").first.evaluate("(one) => getComputedStyle(one).opacity") == "1",
           "what a finger cannot hover over is shown")
    touched(bed, context, page)
    expect(page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing stands out of the page")
    context.close()


with Bed() as bed:
    gate = bed.folder / "gate"
    page = bed.page("/ui")
    first_steps(bed, page)
    new_session(bed, page)
    held = live(bed, page, gate)
    keys(bed, page)
    drag(bed, page)
    refused(bed, page, gate)
    failed(bed, page, gate.with_name("other"))
    cancel(bed, page, held)
    resume(bed, page)
    asked(bed, page)
    dock(bed, page)
    lanes(bed, page)
    tabs(bed, page)
    phone(bed)
