"""What every browser course stands on: a node with its own database, a signed-in browser, the rules all pages keep."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

# Where a browser usually lies; the first that is there is used.
BROWSERS = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
START_SECONDS = 60
STOP_SECONDS = 30


class CourseFailed(Exception):
    """A rule was broken; the text says which and where."""


def free_port():
    """A port of the loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Bed:
    """A node, a browser and what they are asked: `with Bed() as bed:`.

    OPSROOM_PROGRAM is the program, OPSROOM_PAGE the page's folder, OPSROOM_SHOTS where screenshots go (nowhere
    without it). A console message of level error or warning, or an error nobody caught, fails the course.
    """

    def __init__(self, tls=None, arguments=()):
        self.tls = tls
        self.arguments = list(arguments)
        self.allowed = []
        self.complaints = []
        self.node = None
        self.port = free_port()
        self.shots = os.environ.get("OPSROOM_SHOTS")

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="opsroom-course-"))
        os.chmod(self.folder, 0o755)
        self.environment = dict(os.environ, HOME=str(self.folder), XDG_CONFIG_HOME=str(self.folder / "config"))
        for name in ["OPSROOM_SERVER", "OPSROOM_TOKEN", "OPSROOM_DATA", "DATABASE_URL", "OPSROOM_CONTEXT"]:
            self.environment.pop(name, None)
        try:
            self.start()
            self.playwright = sync_playwright().start()
            path = next(filter(None, map(shutil.which, BROWSERS)), None)
            if not path:
                raise CourseFailed("there is no browser: install chromium-headless-shell")
            self.browser = self.playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            self.context = self.new_context()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        if error is not None and self.shots and getattr(self, "context", None):
            for number, page in enumerate(self.context.pages):
                try:
                    page.screenshot(path=f"{self.shots}/failed-{number}.png")
                except Exception:
                    pass
        self.close()
        if error is None and self.complaints:
            raise CourseFailed("the browser complained:\n  " + "\n  ".join(self.complaints))
        if error is not None and self.complaints:
            print("the browser complained:\n  " + "\n  ".join(self.complaints), file=sys.stderr)
        return False

    def close(self):
        """Ends the browser and the node, and removes what they left."""
        if getattr(self, "browser", None):
            self.browser.close()
        if getattr(self, "playwright", None):
            self.playwright.stop()
        if self.node and self.node.poll() is None:
            self.node.send_signal(signal.SIGINT)
            try:
                self.node.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.node.kill()
                self.node.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # The node

    @property
    def base(self):
        """The address of the node."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self):
        """Starts the node on the same data and the same port, and waits until it takes work."""
        command = [os.environ["OPSROOM_PROGRAM"], "up", "--data", str(self.folder / "data"), "--name", "course",
                   "--listen", f"127.0.0.1:{self.port}", *self.arguments]
        if self.tls:
            command += ["--tls-cert", self.tls[0], "--tls-key", self.tls[1]]
        self.log = open(self.folder / "node.log", "ab")
        self.node = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log,
                                     stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_SECONDS
        while not (self.is_ready() and self.find_token()):
            if self.node.poll() is not None or time.monotonic() > deadline:
                text = (self.folder / "node.log").read_text(errors="replace")
                raise CourseFailed(f"the node does not start:\n{text[-2000:]}")
            time.sleep(0.1)

    def is_ready(self):
        """Whether the node takes work."""
        try:
            return self.open("GET", "/readyz", token="", timeout=2).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def find_token(self):
        """The token that the node made for this user."""
        for path in self.folder.glob("**/opsroom/config.toml"):
            for line in path.read_text().splitlines():
                if line.strip().startswith("token ") or line.strip().startswith("token="):
                    self.token = line.split("=", 1)[1].strip().strip("'\"")
                    return True
        return False

    def kill(self):
        """Ends the node as a power cut would."""
        self.node.kill()
        self.node.wait()

    def open(self, method, path, body=None, token=None, timeout=30, headers=None):
        """One request; an answer of 400 and more raises HTTPError."""
        context = None
        if self.tls:
            import ssl
            context = ssl._create_unverified_context()
        fields = {"authorization": f"Bearer {self.token if token is None else token}"} if token != "" else {}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            fields["content-type"] = "application/json"
        if method == "POST":
            fields["idempotency-key"] = str(uuid.uuid4())
        fields.update(headers or {})
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=fields)
        return urllib.request.urlopen(request, timeout=timeout, context=context)

    def api(self, method, path, body=None, **options):
        """The document of an answer; a refusal fails the course with the node's words."""
        try:
            with self.open(method, path, body, **options) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise CourseFailed(f"{method} {path}: {error.code} {error.read()[:600].decode(errors='replace')}") from error
        return json.loads(text) if text else None

    def cli(self, *arguments, check=True):
        """Runs the program against the node; gives what it printed."""
        done = subprocess.run([os.environ["OPSROOM_PROGRAM"], *arguments], capture_output=True, text=True, timeout=120,
                              env=dict(self.environment, OPSROOM_SERVER=self.base, OPSROOM_TOKEN=self.token))
        if check and done.returncode != 0:
            raise CourseFailed(f"opsroom {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def run(self, steps, name="course", wait=True, plan=None, **members):
        """Makes a run of shell steps, each an id and a script; gives its document, ended unless `wait` is false."""
        document = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": name}, "steps": [
            {"id": step, "shell": {"argv": ["sh", "-c", script]}, "effects": "idempotent",
             **({"needs": [steps[at - 1][0]]} if at else {})}
            for at, (step, script) in enumerate(steps)]}
        document.update(plan or {})
        made = self.api("POST", "/v1/runs", {"plan": document, **members})
        if not wait:
            return made
        return self.ended(made["id"])

    def ended(self, run, seconds=60):
        """A run's document once it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            document = self.api("GET", f"/v1/runs/{run}?include=steps&wait_ms=10000", timeout=40)
            if document["status"] in ("succeeded", "failed", "cancelled", "timed_out"):
                return document
        raise CourseFailed(f"run {run} has not ended within {seconds} s")

    # The browser

    def new_context(self, **options):
        """Another browser profile, signed in."""
        options.setdefault("color_scheme", "dark")
        options.setdefault("viewport", {"width": 1400, "height": 900})
        context = self.browser.new_context(ignore_https_errors=bool(self.tls), **options)
        context.set_default_timeout(20_000)
        answer = context.request.post(f"{self.base}/v1/browser-session", data={"token": self.token})
        if answer.status not in (200, 201):
            raise CourseFailed(f"signing in: {answer.status} {answer.text()[:300]}")
        return context

    def allow(self, text):
        """Takes a complaint of the browser that is meant to be, as of a node that was killed."""
        self.allowed.append(text)

    def page(self, path, context=None):
        """A new tab at an address of the page."""
        page = (context or self.context).new_page()
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.complain(f"{page.url}: {error.stack or error}"))
        page.goto(self.base + path)
        return page

    def hear(self, message):
        if message.type in ("error", "warning"):
            self.complain(f"{message.location.get('url', '')}: {message.text}")

    def complain(self, text):
        if not any(allowed in text for allowed in self.allowed):
            self.complaints.append(text[:600])

    def until(self, condition, what, seconds=20):
        """Waits until a condition holds, and gives what it gave."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise CourseFailed(f"waited {seconds} s in vain: {what}")
            time.sleep(0.05)

    def look(self, page, name, themes=("dark", "light")):
        """Takes a picture in each theme, and has axe look too."""
        for theme in themes:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.evaluate("document.fonts.ready.then(() => true)")
            # Two frames: what follows the theme has been drawn.
            page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            if self.shots:
                page.screenshot(path=f"{self.shots}/{name}-{theme}.png")
            violations = Axe().run(page).response["violations"]
            if violations:
                found = "; ".join(f"{one['id']}: {one['help']} at {one['nodes'][0]['html'][:200]} "
                                  f"({one['nodes'][0].get('failureSummary', '')[:200]})" for one in violations)
                raise CourseFailed(f"axe on {name}, {theme}: {found}")
        page.emulate_media(color_scheme="dark", reduced_motion="no-preference")


def expect(condition, text):
    """A rule: where it does not hold the course fails with its text."""
    if not condition:
        raise CourseFailed(text)
