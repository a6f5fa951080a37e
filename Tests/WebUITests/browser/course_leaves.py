"""What a run's views do while it goes on and while something else is chosen: timeline, graph, artifacts."""

import base64
import struct
import zlib

from bed import Bed, expect

WAIT = "while [ ! -e {gate} ]; do sleep 0.05; done"


def picture(red):
    """A PNG of one pixel."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
                            + chunk(b"IDAT", zlib.compress(bytes([0, red, 0, 0]))) + chunk(b"IEND", b"")).decode()


def plan(folder):
    """Waits, does something three times, and leaves texts and pictures."""
    names = ["a.txt", "b.txt", "c.txt", "a.png", "b.png"]
    keep = "for one in a b c; do echo text of $one > $one.txt; done; " + "; ".join(
        f"printf %s {picture(at)} | base64 -d > {name}.png" for at, name in enumerate("ab"))
    return {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "views"}, "steps": [
        {"id": "first", "effects": "none", "shell": {"argv": ["sh", "-c", WAIT.format(gate=folder / "one")]}},
        {"id": "many", "needs": ["first"], "effects": "idempotent", "system": {"fan_out": {
            "over": [1, 2, 3], "shell": {"argv": ["sh", "-c", WAIT.format(gate=folder / "two")]}}}},
        {"id": "keep", "needs": ["many"], "effects": "none", "shell": {"argv": ["sh", "-c", keep]}, "artifacts": [
            {"file": name, "type": "text/plain" if name.endswith("txt") else "image/png"} for name in names]}]}


def timeline(bed, page):
    """A step that is done for each of a list unfolds as soon as it has begun."""
    page.locator(".timeline-label", has_text="many").wait_for()
    expect(page.locator(".timeline-name .button").count() == 0, "what has not begun has no items")
    (bed.folder / "one").touch()
    page.locator(".timeline-name .button", has_text="3").click()
    bed.until(lambda: page.locator(".timeline-line.is-item").count() == 3, "three items")


def graph(bed, page):
    """What is pressed in a graph and let go elsewhere is not dragged."""
    area = page.locator(".dag-area")
    page.locator(".dag-node").first.wait_for()
    box = area.bounding_box()
    places = "(all) => all.map((one) => JSON.stringify(one.getBoundingClientRect()))"
    before = page.locator(".dag-node").evaluate_all(places)
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 5, box["y"] - 60)
    page.mouse.up()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.move(box["x"] + 150, box["y"] + 90)
    expect(page.locator(".dag-area.is-dragging").count() == 0, "a graph is dragged without a button")
    expect(page.locator(".dag-node").evaluate_all(places) == before, "a graph moved without a button")
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 45, box["y"] + 25)
    page.mouse.up()
    bed.until(lambda: page.locator(".dag-node").evaluate_all(places) != before, "a graph is dragged with a button")


def artifacts(bed, page):
    """The comparison that was chosen last is shown, however late another comes; what was shown is let go."""
    page.locator("button.artifact-name", has_text="a.txt").click()
    page.locator(".artifact-body", has_text="text of a").wait_for()
    held = []
    page.route("**/artifacts/b.txt*", lambda route: held.append(route))
    choice = page.get_by_label("Compare with")
    choice.select_option("keep/b.txt")
    bed.until(lambda: page.evaluate("1") and held, "the first is under way")
    choice.select_option("keep/c.txt")
    page.locator(".artifact-body .diff", has_text="text of c").wait_for()
    for route in held:
        try:
            route.continue_()
        except Exception:
            # It was given up.
            pass
    page.unroute("**/artifacts/b.txt*")
    page.wait_for_timeout(300)
    expect("text of b" not in page.locator(".artifact-body").inner_text(), "a late comparison is shown")
    page.evaluate("""() => {
      window.alive = 0;
      for (const [name, by] of [["createObjectURL", 1], ["revokeObjectURL", -1]]) {
        const own = URL[name];
        URL[name] = (given) => { window.alive += by; return own.call(URL, given); };
      }
    }""")
    for name in ["a.png", "b.png", "a.png", "b.png"]:
        page.locator("button.artifact-name", has_text=name).click()
        page.locator(f".artifact-body img[alt='{name}']").wait_for()
    expect(page.evaluate("window.alive") == 1, f"pictures are kept: {page.evaluate('window.alive')}")


LEAF = """async () => {
    const base = document.querySelector("script[type=module]").src.replace(/[^/]*$/, "");
    const { leaf } = await import(`${base}core/leaf.js`);
    let builds = 0;
    const made = leaf("oc-test", (text) => { builds += 1; return text; })("here");
    const said = [];
    const say = () => said.push([builds, made.textContent, made.scope !== null]);
    const [one, other] = [document.createElement("div"), document.createElement("div")];
    document.body.append(one, other);
    say();
    one.append(made);
    other.append(made);
    await Promise.resolve();
    say();
    made.remove();
    await Promise.resolve();
    say();
    one.append(made);
    say();
    one.remove();
    other.remove();
    return said;
}"""


def elements(page):
    """A leaf is an element of its own: built where it is shown, not anew when it moves, ended when it is gone."""
    said = page.evaluate(LEAF)
    expect(page.locator("oc-artifacts:defined").count() == 1, "the artifacts are one")
    expect(said == [[0, "", False], [1, "here", True], [1, "here", False], [2, "here", True]], f"what a leaf does: {said}")


def main():
    with Bed() as bed:
        run = bed.api("POST", "/v1/runs", {"plan": plan(bed.folder)})["id"]
        page = bed.page(f"/ui/runs/{run}?tab=timeline")
        timeline(bed, page)
        page.goto(f"{bed.base}/ui/runs/{run}?tab=graph")
        graph(bed, page)
        (bed.folder / "two").touch()
        bed.ended(run)
        page.goto(f"{bed.base}/ui/runs/{run}?tab=artifacts")
        artifacts(bed, page)
        elements(page)


main()
