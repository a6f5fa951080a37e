"""Hostile names, log lines and artifacts do nothing: they are text, and what would trick the eye is shown as its code."""

import base64
import json
import struct
import zlib

from bed import Bed, CourseFailed, expect

MARK = "window.__hurt = 1"
BAD = f"<img src=x onerror='{MARK}'><script>{MARK}</script>"
BIDI = "safe\u202egnp.exe\u2066hidden\u2069 zero\u200bwidth"

LOG = [
    f"<script>{MARK}</script> markup in a line",
    f"<img src=x onerror=\"{MARK}\"> more of it",
    f"bidi {BIDI} end",
    "\x1b[31mred\x1b[0m \x1b[8mconcealed\x1b[0m \x1b[2J\x1b[H moved \x1b]0;title\x07 titled",
    f"\x1b]8;;javascript:{MARK}\x1b\\bad link\x1b]8;;\x1b\\ and \x1b]8;;https://example.org/\x1b\\good link\x1b]8;;\x1b\\",
    "rm -rf /\rsafe to run",
    "open sequence \x1b]0;this stays visible",
    "nul\x00bell\x07back\x08space",
    "x" * 20_000 + "END",
]
MARKDOWN = f"""# Title {BAD}

[bad](javascript:{MARK}) and [good](https://example.org/) and ![picture](https://example.org/p.png)

{BAD}

<iframe src="javascript:{MARK}"></iframe>

| a | b |
|---|---|
| {BIDI} | <b>bold</b> |
"""
PAGE = f"""<!doctype html><title>x</title><h1>A page of a step</h1>{BAD}
<script>parent.__hurt = 1; top.document.title = 'hurt'</script><form action="/v1/runs"><button>x</button></form>
<style>@import "/assets/hurt.css";</style><img src="/v1/hurt.png"><iframe src="/ui"></iframe>
<a href="javascript:{MARK}" target="_top">x</a><meta http-equiv="refresh" content="0;url=javascript:{MARK}">"""
STYLED = """<!doctype html><style>h1 { color: rgb(1, 2, 3) }</style>
<h1 style="font-size: 33px">A page with styles</h1>"""
NUMBERS = '{"id": 9007199254740993, "list": [-9223372036854775808, 1.5]}'
PICTURE = f"""<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40" onload="{MARK}"><script>{MARK}</script>
<rect width="80" height="40" fill="#c33"/></svg>"""
CSV = f"name,value\n{BAD},=HYPERLINK(1)\n\"{BIDI}\",2\n"
HUGE = json.dumps({"items": [{"id": at, "text": "y" * 40} for at in range(20_000)], "deep": None, BAD: BAD,
                   "__proto__": {"polluted": True}, "bidi": BIDI})


def picture():
    """A PNG of one pixel that says it is another type."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00")) + chunk(b"IEND", b""))


FILES = {
    "notes.md": ("text/markdown", MARKDOWN.encode()), "page.html": ("text/html", PAGE.encode()),
    "styled.html": ("text/html; charset=utf-8", STYLED.encode()), "named.html": ("text/plain", PAGE.encode()),
    "numbers.json": ("application/json", NUMBERS.encode()),
    "drawing.svg": ("image/svg+xml", PICTURE.encode()), "pixel.png": ("image/png", picture()),
    "table.csv": ("text/csv", CSV.encode()), "huge.json": ("application/json", HUGE.encode()),
    "broken.json": ("application/json", b'{"open": ' + BAD.encode()), "colours.log": ("text/plain", "\n".join(LOG).replace("\x00", "").encode()),
    "change.diff": ("text/x-diff", f"--- a\n+++ b\n@@ -1 +1 @@\n-old {BAD}\n+new {BIDI}\n".encode()),
    "bytes.txt": ("text/plain", b"a\x00b\x01c" * 10), "empty.txt": ("text/plain", b""),
}


def write(name, content):
    """A line of shell that leaves a file."""
    text = base64.b64encode(content).decode()
    if len(text) > 50_000:
        return f"python3 -c \"{GENERATOR}\" > {name} || true"
    return f"printf %s '{text}' | base64 -d > {name}"


GENERATOR = ("import json; print(json.dumps({'items': [{'id': at, 'text': 'y' * 40} for at in range(20000)], "
             "'deep': None, '<b>bold</b>': '<script>1</script>', '__proto__': {'polluted': True}, "
             "'bidi': 'a' + chr(0x202e) + 'b'}))").replace('"', '\\"')


def plan():
    """A run that prints and leaves everything above."""
    lines = "\n".join(LOG).encode()
    steps = [
        {"id": "print", "effects": "none", "shell": {"argv": ["sh", "-c", write("lines", lines) + "; cat lines; echo"]}},
        {"id": "keep", "needs": ["print"], "effects": "none",
         "shell": {"argv": ["sh", "-c", "\n".join(write(name, content) for name, (_, content) in FILES.items())]},
         "artifacts": [{"file": name, "type": kind} for name, (kind, _) in FILES.items()]},
    ]
    return {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "hostile", "title": BAD + BIDI},
            "steps": steps}


def unhurt(page, where):
    """Nothing of it ran."""
    expect(page.evaluate("window.__hurt === undefined"), f"something ran: {where}")
    expect(page.title() != "hurt", f"the title was changed: {where}")
    expect(page.evaluate("({}).polluted === undefined"), f"a prototype was changed: {where}")


def log(bed, run):
    """The lines are there as text, tricks as codes."""
    page = bed.page(f"/ui/runs/{run}?tab=log&step=print")
    rows = page.locator(".log-row:not(.is-missing)")
    rows.nth(8).wait_for()
    text = page.locator(".log-body").inner_text()
    for wanted in ["<script>window.__hurt = 1</script> markup in a line", "\\u202e", "\\u2066", "\\u200b", "concealed",
                   "moved  titled", "safe to run", "this stays visible", "\\u0007", "\\u0008"]:
        expect(wanted in text, f"the log does not show {wanted!r}:\n{text[:1500]}")
    expect("\u202e" not in text, "a character that turns the direction stands in the log")
    links = page.eval_on_selector_all(".log-text a", "(all) => all.map((one) => one.href)")
    expect(links == ["https://example.org/"], f"links of the log: {links}")
    expect("written over" in text, "what was written over is not told")
    bed.look(page, "hostile-log")
    page.get_by_text("more characters").click()
    expect("END" in page.locator("dialog pre").inner_text(), "the whole long line is not shown")
    page.keyboard.press("Escape")
    page.locator(".log-search input").fill("(x+x+)+y")
    page.get_by_label("Regular expression").click()
    bed.until(lambda: "0 lines" in page.locator(".log-hits").inner_text()
              or page.locator(".log-strip.is-warning").count() > 0, "a winding expression is answered")
    unhurt(page, "log")
    page.close()


def artifacts(bed, run):
    """Each artifact is shown as what it is, and none does anything."""
    page = bed.page(f"/ui/runs/{run}?tab=artifacts")

    def show(name):
        page.locator("button.artifact-name", has_text=name).click()
        page.locator(".artifact-head h2", has_text=name).wait_for()
        return page.locator(".artifact-body")

    # What reads markdown does not come at first; the next time it does.
    bed.allow("/vendor/marked.js")
    page.route("**/vendor/marked.js*", lambda route: route.abort())
    show("notes.md").get_by_text("could not be loaded").wait_for()
    page.unroute("**/vendor/marked.js*")
    show("empty.txt")
    body = show("notes.md")
    body.locator(".markdown h2, .leaf-text").first.wait_for()
    expect(body.get_by_text("could not be loaded").count() == 0, "what could not be loaded is never loaded again")
    expect(body.locator("script, img, iframe").count() == 0, "markdown made elements of HTML")
    hrefs = body.locator("a").evaluate_all("(all) => all.map((one) => one.href)")
    expect(all(href.startswith("https://example.org/") for href in hrefs), f"links of markdown: {hrefs}")
    expect("<script>" in body.inner_text(), "HTML of markdown is not shown as text")
    bed.look(page, "hostile-markdown")

    body = show("page.html")
    frame = body.locator("iframe")
    frame.wait_for()
    expect(frame.get_attribute("sandbox") == "", "the frame of a page is no sandbox")
    page.frame_locator("iframe").get_by_text("A page of a step").wait_for()
    unhurt(page, "page")
    frame_address = frame.get_attribute("src")
    body.get_by_role("button", name="Source").click()
    expect("top.document.title" in body.inner_text(), "the page's source is not shown")

    answer = page.request.get(f"{bed.base}{frame_address}")
    policy = answer.headers["content-security-policy"].split("; ")
    expect({"sandbox", "default-src 'none'", "frame-ancestors 'self'"} <= set(policy), f"a page's policy: {policy}")

    body = show("styled.html")
    title = page.frame_locator("iframe").locator("h1")
    title.wait_for()
    looks = title.evaluate("(one) => [getComputedStyle(one).color, getComputedStyle(one).fontSize]")
    expect(looks == ["rgb(1, 2, 3)", "33px"], f"a page lost its styles: {looks}")
    body = show("named.html")
    body.get_by_text("Shown as text").wait_for()
    expect(body.locator("iframe").count() == 0, "what does not say that it is a page is shown as one")

    body = show("drawing.svg")
    body.locator("img").wait_for()
    bed.until(lambda: body.locator("img").evaluate("(image) => image.naturalWidth") == 80, "the drawing is shown")
    body = show("pixel.png")
    bed.until(lambda: body.locator("img").evaluate("(image) => image.naturalWidth") == 1, "the picture is shown")

    body = show("table.csv")
    body.locator("td").first.wait_for()
    expect(BAD in body.inner_text() and "\\u202e" in body.inner_text(), "the table does not show its texts")
    expect(body.locator("img, script").count() == 0, "a table made elements")

    body = show("huge.json")
    body.locator(".json-row").first.wait_for()
    expect(page.locator(".json-row").count() < 2100, "too many rows of a tree at once")
    body.get_by_label("Search names and values").fill("bidi")
    page.locator(".json-row.is-found").first.wait_for()
    expect("\\u202e" in body.inner_text(), "the tree does not show codes")
    body.get_by_label("Search names and values").fill("19999")
    page.locator(".json-row.is-found", has_text="19999").first.wait_for()
    expect(page.locator(".json-row").count() <= 2100, "too many rows of a tree after a search")
    unhurt(page, "JSON")

    body = show("numbers.json")
    body.get_by_text("9007199254740993").wait_for()
    body.get_by_text("-9223372036854775808").wait_for()
    body = show("broken.json")
    body.get_by_text("It is no JSON").wait_for()
    body = show("change.diff")
    body.locator(".leaf-line.is-new").first.wait_for()
    expect("\\u202e" in body.inner_text(), "the patch does not show codes")
    show("bytes.txt").get_by_text("no text").wait_for()
    show("empty.txt").get_by_text("It is empty").wait_for()
    body = show("colours.log")
    body.locator(".leaf-line .fg-1").first.wait_for()
    bed.look(page, "hostile-artifacts")
    unhurt(page, "artifacts")
    page.close()


def names(bed, run):
    """Names that others choose are text on every page that shows them."""
    session = bed.api("POST", "/v1/sessions", {"name": "hostile", "intent": BAD + BIDI})
    for path in [f"/ui/runs/{run}", "/ui/runs", "/ui/sessions", f"/ui/sessions/{session['id']}", f"/ui/runs?text={BAD}",
                 f"/ui/runs/{run}?tab={BAD}&step={BAD}&q={BAD}#L1\"><script>"]:
        page = bed.page(path)
        page.locator("main h1, .page-head h1, h1").first.wait_for()
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        unhurt(page, path)
        page.close()


def main():
    with Bed() as bed:
        # What the browser says when it refuses what the page of a step tries.
        bed.allow("/artifacts/page.html?")
        bed.allow("Framing 'http")
        made = bed.api("POST", "/v1/runs", {"plan": plan()})
        done = bed.ended(made["id"])
        if done["status"] != "succeeded":
            raise CourseFailed(f"the run came out as {done['status']}: {json.dumps(done)[:1500]}")
        log(bed, made["id"])
        artifacts(bed, made["id"])
        names(bed, made["id"])


main()
