#!/usr/bin/env python3
"""Measures the page in a real browser: first load, status change to pixel, a full board's frames, jumps in a long log.

    OPSROOM_PROGRAM=.build/release/opsroom python3 loadtests/page/measure.py [--rounds 5] [--only load,pixel,board,log]

Every figure stands beside a floor that was taken in the same round: what the browser and the machine do without us.
Playwright must be installed, and a Chromium (Tests/WebUITests/README.md says how). Prints a line a figure, and JSON with --json.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import sys
import threading
import time
import urllib.request

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "Tests/WebUITests/browser"))
os.environ.setdefault("OPSROOM_PAGE", str(root / "Sources/WebUI/assets"))
os.environ.setdefault("OPSROOM_MIGRATIONS", str(root / "migrations"))
from bed import Bed  # noqa: E402

CARDS = 2000
LANES = 4
# How long a run of the board takes, and how many go at once in each of its lanes: some ten end in a second. With
# "0.1" and 2 it is more than fifty, and node, Postgres and their programs take both cores of a small machine.
RUN_SECONDS = os.environ.get("RUN_SECONDS", "0.4")
WIDTH = int(os.environ.get("WIDTH", "1"))
FRAMES_SECONDS = 10
LINES = 200_000
FONTS = (".ttf", ".woff2")


def quick(seconds="0.05", name="quick"):
    """A plan of one short step."""
    return {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": name}, "steps": [
        {"id": "work", "effects": "idempotent", "shell": {"argv": ["sleep", seconds]}}]}


def fill(bed, session, plan, count, **members):
    """Queues runs, a thousand in one request."""
    for begin in range(0, count, 1000):
        runs = [{"plan_digest": plan, "session": session, "lane": "ABCD"[number % LANES], **members}
                for number in range(begin, min(count, begin + 1000))]
        bed.api("POST", "/v1/runs/batch", {"runs": runs}, timeout=120)


def stored(bed, plan):
    """A plan's digest."""
    return bed.api("POST", "/v1/plans", {"plan": plan})["digest"]


def make_session(bed, name, **lane):
    """A session of four lanes."""
    bed.api("POST", "/v1/sessions", {"name": name, "lanes": [{"name": one, **lane} for one in "ABCD"]})


SEEN = """(() => {
    const look = () => {
        if (!document.querySelector('.lane .card, .lane .recent')) return void requestAnimationFrame(look);
        // A message that is sent before a frame is drawn comes behind it.
        const channel = new MessageChannel();
        channel.port1.onmessage = () => { window.shownAt = performance.now(); };
        channel.port2.postMessage(0);
    };
    look();
})()"""


def load(bed):
    """From the navigation's start until lanes with cards are drawn, nothing cached; and what came over the wire."""
    state = bed.context.storage_state()
    context = bed.browser.new_context(storage_state=state, viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(f"{bed.base}/v1/problems/not_found")
    floor = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    context.close()
    # As a browser that was here before, but keeps no file of ours.
    state["origins"] = [{"origin": bed.base, "localStorage": [{"name": "opsroom.signed-in", "value": "true"}]}]
    context = bed.browser.new_context(storage_state=state, viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.add_init_script(SEEN)
    page.goto(f"{bed.base}/ui/sessions/load")
    # Asking in between would be work beside it.
    page.wait_for_timeout(800)
    shown = page.evaluate("window.shownAt")
    sizes = page.evaluate("""[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .map((entry) => [entry.name, entry.transferSize])""")
    context.close()
    fonts = sum(size for name, size in sizes if name.endswith(FONTS))
    return {"load_ms": shown, "load_floor_ms": floor, "load_kB": (sum(size for _, size in sizes) - fonts) / 1000,
            "load_fonts_kB": fonts / 1000, "load_requests": len(sizes)}


def pixel(bed):
    """From a run's end, as the node stamps it, to the frame that shows it; floor: to a reader of the bare stream."""
    page = bed.page("/ui/sessions/pixel")
    page.get_by_text("Live", exact=True).wait_for()
    heard = {}
    request = urllib.request.Request(f"{bed.base}/v1/events?from=now&watch=",
                                     headers={"authorization": f"Bearer {bed.token}", "accept": "application/x-ndjson"})
    stream = urllib.request.urlopen(request, timeout=60)

    def follow():
        try:
            for line in stream:
                event = json.loads(line)
                if event.get("type") == "run.succeeded":
                    heard[event["run"]] = time.time() * 1000
        except (OSError, ValueError, AttributeError):
            return  # Closed at the end of the round.

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    shown, floors = [], []
    for _ in range(20):
        run = bed.api("POST", "/v1/runs", {"plan": quick("0.3"), "session": "pixel", "lane": "A"})["id"]
        # The frame behind the one that shows it: by then it is on the screen.
        at = page.evaluate("""(run) => new Promise((done) => {
            const look = () => {
                if (document.getElementById('card-' + run)?.closest('.recent')) {
                    requestAnimationFrame(() => done(performance.timeOrigin + performance.now()));
                } else requestAnimationFrame(look);
            };
            look();
        })""", run)
        ended = bed.api("GET", f"/v1/runs/{run}")["finished_at"]
        finished = page.evaluate("(at) => Date.parse(at)", ended)
        shown.append(at - finished)
        deadline = time.monotonic() + 5
        while run not in heard and time.monotonic() < deadline:
            time.sleep(0.01)
        floors.append(heard[run] - finished)
    stream.close()
    page.close()
    return {"pixel_ms": statistics.median(shown), "pixel_max_ms": max(shown), "pixel_floor_ms": statistics.median(floors)}


FRAMES = """(seconds) => new Promise((done) => {
    const times = [];
    const begin = performance.now();
    const frame = (at) => {
        times.push(at);
        if (performance.now() - begin < seconds * 1000) requestAnimationFrame(frame);
        else done(times.slice(1).map((time, index) => time - times[index]));
    };
    requestAnimationFrame(frame);
})"""


def frames(gaps):
    """Frames a second, the 95th and the longest gap between two."""
    gaps = sorted(gaps)
    return 1000 * len(gaps) / sum(gaps), gaps[int(len(gaps) * 0.95)], gaps[-1]


def board(bed):
    """Frames of a board of 2,000 cards whose runs begin and end; floor: an empty page beside the same work."""
    plan = stored(bed, quick(RUN_SECONDS))
    is_over = threading.Event()

    def keep_full():
        while not is_over.wait(1):
            open_runs = bed.api("GET", "/v1/sessions/board")["open_runs"]
            if open_runs < CARDS:
                fill(bed, "board", plan, CARDS - open_runs + 50)

    fill(bed, "board", plan, CARDS + 50)
    keeper = threading.Thread(target=keep_full, daemon=True)
    keeper.start()
    page = bed.page("/ui/sessions/board")
    page.get_by_text("Live", exact=True).wait_for()
    page.locator(".lane .card").first.wait_for()
    # All 500 queued cards of a lane are fetched once somebody has looked so far down.
    page.evaluate("document.querySelectorAll('.lane-cards').forEach((lane) => { lane.scrollTop = 1e6; })")
    page.wait_for_timeout(1500)
    page.evaluate("document.querySelectorAll('.lane-cards').forEach((lane) => { lane.scrollTop = 0; })")
    page.wait_for_timeout(500)
    began = bed.api("GET", "/v1/counts?session=board")
    fps, p95, longest = frames(page.evaluate(FRAMES, FRAMES_SECONDS))
    ended = bed.api("GET", "/v1/counts?session=board")
    page.goto("about:blank")
    floor_fps, floor_p95, _ = frames(page.evaluate(FRAMES, FRAMES_SECONDS))
    is_over.set()
    keeper.join()
    page.close()
    # What is left would run beside the next figures.
    bed.api("POST", "/v1/bulk", {"action": "cancel", "filter": {"session": "board"}, "reason": "measured"})
    bed.until(lambda: bed.api("GET", "/v1/sessions/board")["open_runs"] == 0, "the board is empty", seconds=60)
    done = (ended["ended"].get("succeeded", 0) - began["ended"].get("succeeded", 0)) / FRAMES_SECONDS
    return {"board_fps": fps, "board_floor_fps": floor_fps, "board_p95_ms": p95, "board_floor_p95_ms": floor_p95,
            "board_longest_ms": longest, "board_ends_per_s": done}


JUMP = """async ([share, isWrapped]) => {
    const scroller = document.querySelector('.log-scroller');
    const settle = () => new Promise((done) => { setTimeout(done, 120); });
    await settle();
    await new Promise(requestAnimationFrame);
    const begin = performance.now();
    scroller.scrollTop = share * (scroller.scrollHeight - scroller.clientHeight);
    scroller.dispatchEvent(new Event('scroll'));
    // What the jump sets off at once runs in microtasks, before the frame.
    for (let turn = 0; turn < 10; turn += 1) await null;
    return performance.now() - begin;
}"""


def log(bed):
    """Script time of a jump to anywhere in a log of 200,000 lines."""
    page = bed.page(f"/ui/runs/{bed.long}?tab=log")
    page.locator(".log-scroller").wait_for()
    page.wait_for_timeout(1500)
    draw = random.Random(7)
    jumps = sorted(page.evaluate(JUMP, [draw.random(), False]) for _ in range(60))
    begin = time.monotonic()
    found = bed.api("GET", f"/v1/runs/{bed.long}/log/numbers?q=line%20199")
    search = (time.monotonic() - begin) * 1000
    page.close()
    return {"log_jump_ms": statistics.median(jumps), "log_jump_p95_ms": jumps[int(len(jumps) * 0.95)],
            "log_search_ms": search, "log_search_hits": found["hits"]}


def prepare(bed, wanted):
    """Sessions and the long log; what is measured begins behind it."""
    for name in ("load", "pixel"):
        make_session(bed, name)
    make_session(bed, "board", width=WIDTH)
    for name in ("build", "test", "ship"):
        bed.run([(name, "echo done")], name=name, session="load", lane="A")
    if "log" in wanted:
        script = f"i=0; while [ $i -lt {LINES // 1000} ]; do seq -f 'line %.0f of a long log' $((i*1000+1)) $((i*1000+1000)); i=$((i+1)); done"
        bed.long = bed.run([("print", script)], name="long", session="load", lane="B")["id"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="load,pixel,board,log")
    parser.add_argument("--json")
    options = parser.parse_args()
    wanted = options.only.split(",")
    measures = {"load": load, "pixel": pixel, "board": board, "log": log}
    rounds = []
    with Bed() as bed:
        prepare(bed, wanted)
        for number in range(options.rounds):
            figures = {}
            for name in wanted:
                figures.update(measures[name](bed))
            rounds.append(figures)
            print(f"round {number + 1}: " + ", ".join(f"{name} {value:.1f}" for name, value in figures.items()), flush=True)
    medians = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    print(f"median of {options.rounds}:")
    for name, value in medians.items():
        print(f"  {name} {value:.1f}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(medians, indent=1) + "\n")


if __name__ == "__main__":
    main()
