#!/usr/bin/env python3
"""A worker outside: takes runs of a lane over the API, does them, says what came of them.

    export OPSROOM_URL=http://127.0.0.1:7460 OPSROOM_TOKEN=$(opsroom tokens create mailer --scope work)
    ./worker.py --session default --lane mail

What a run is to do is `handle`; the rest is the same for every worker. Python's standard library, nothing else.
"""
import argparse, http.client, json, os, random, signal, socket, threading, time, urllib.error, urllib.request


def handle(run):
    """Does one run and returns its outputs. Looks at `run.stop` now and then.

    `Later` gives the run back for a time, `Again` has a failure tried again; another exception fails it.
    """
    steps = int(run.inputs.get("steps", 1))
    run.note(line=f"hello from {run.claim['worker']}")
    for step in range(steps):
        if run.stop.wait(float(run.inputs.get("seconds", 0)) / steps):
            return None
        run.note(progress={"done": step + 1, "of": steps})
    return {"worker": run.claim["worker"], "claim": run.claim["claim_no"]}


class Later(Exception):
    """Not now: the run comes again after some seconds, to whoever asks then. Uses up no attempt."""

    def __init__(self, reason, seconds):
        super().__init__(reason)
        self.milliseconds = int(seconds * 1000)


class Again(Later):
    """It failed, and may be tried again after some seconds, as often as its plan's `retry` says."""


class Gone(Exception):
    """The claim counts no more: the run is somebody else's, or has ended."""


class Room:
    """The API of any node: what is not answered is said again, until it is or nobody wants it any more."""

    def __init__(self, url, token):
        self.url, self.head = url, {"content-type": "application/json", "authorization": f"Bearer {token}"}

    def say(self, path, body, enough=lambda: False):
        pause = 0.1
        while True:
            try:
                request = urllib.request.Request(self.url + path, json.dumps(body).encode(), self.head)
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code < 500 and error.code != 429:
                    problem = json.load(error)
                    raise (Gone if error.code == 409 else ValueError)(f"{problem['detail']}; {problem['next']}")
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                pass  # the node is away for now, or went while it spoke
            if enough():
                raise Gone("nobody waits for the answer any more")
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(5, pause * 2)


class Run:
    """A run in this worker's hands. `stop` is set when it shall end, shall rest, or is not ours any more."""

    def __init__(self, room, claim, lease):
        self.room, self.claim, self.inputs, self.lease = room, claim, claim["inputs"], lease
        self.stop, self.over, self.why = threading.Event(), threading.Event(), None

    def tell(self, verb, **said):
        path, body = f"/v1/claims/{self.claim['run']}/{verb}", {"claim_no": self.claim["claim_no"], **said}
        return self.room.say(path, body, enough=lambda: self.over.is_set() or self.why == "gone")

    def note(self, **event):
        """A line of the run's log (`line=`, `stream=`), or how far it is (`progress=`)."""
        self.tell("events", events=[event])

    def beat(self):
        while self.why != "gone" and not self.over.wait(self.lease / 3):
            try:
                stand = self.tell("heartbeat", lease_ms=int(self.lease * 1000))
                self.why = "cancel" if stand["cancel"] else "pause" if stand["pause"] else None
            except Gone:
                self.why = "gone"
            if self.why:
                self.stop.set()

    def end(self):
        """Does the run; what is said of it then."""
        try:
            outputs = handle(self)
        except Gone:
            raise
        except Again as again:
            return "complete", {"status": "failed", "failure": str(again)[:1000] or "it failed",
                                "retry_after_ms": again.milliseconds}
        except Later as later:
            return "release", {"reason": str(later)[:1000], "delay_ms": later.milliseconds}
        except Exception as error:
            return "complete", {"status": "failed", "failure": f"{type(error).__name__}: {error}"[:1000]}
        if not self.stop.is_set():
            return "complete", {"status": "succeeded", "outputs": outputs or {}}
        if self.why == "cancel":
            return "complete", {"status": "cancelled", "failure": "it was cancelled"}
        if self.why == "pause":
            return "release", {"reason": "it was paused"}
        raise Gone("it is somebody else's, or has ended")

    def work(self):
        heart = threading.Thread(target=self.beat, daemon=True)
        heart.start()
        try:
            verb, said = self.end()
            try:
                self.tell(verb, **said)
            except ValueError as refused:  # put off beyond its timeout, or with too much to say
                self.tell("complete", status="failed", failure=str(refused)[:1000])
        except Gone as gone:
            print(f"{self.claim['run']}: {gone}", flush=True)
        finally:
            self.over.set()
            heart.join()


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--session", default="default")
    flags.add_argument("--lane", action="append", required=True, help="repeat for more")
    flags.add_argument("--name", default=f"{socket.gethostname()}-{os.getpid()}")
    flags.add_argument("--lease", type=float, default=30, help="seconds without a word until others get a run")
    flags = flags.parse_args()
    room, leaving = Room(os.environ["OPSROOM_URL"], os.environ["OPSROOM_TOKEN"]), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # the run under way is done first
        signal.signal(number, lambda *_: leaving.set())
    wish = {"session": flags.session, "lanes": flags.lane, "worker": flags.name,
            "wait_ms": 5000, "lease_ms": int(flags.lease * 1000)}
    while not leaving.is_set():
        try:
            for claim in room.say("/v1/claims", wish, enough=leaving.is_set)["claims"]:
                Run(room, {**claim, "worker": flags.name}, flags.lease).work()
        except Gone as gone:  # nothing can be claimed now: the lane is not worked outside, or we leave
            print(gone, flush=True)
            leaving.wait(1)


if __name__ == "__main__":
    main()
