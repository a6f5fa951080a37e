"""Every page in both themes and at a phone's width: pictures to be looked at, and nothing for axe to find."""

from bed import Bed, expect

PLAN = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "release-service"},
        "inputs": {"version": {"type": "string", "default": "1.4.2"}, "window": {"type": "integer", "default": 3}},
        "steps": [
            {"id": "build", "effects": "idempotent", "shell": {
                "argv": ["sh", "-c", "for i in $(seq 60); do echo \"compiling $VERSION module $i of $WINDOW\"; done"],
                "env": {"VERSION": "{{ inputs.version }}", "WINDOW": "{{ inputs.window }}"}}},
            {"id": "test", "needs": ["build"], "effects": "none",
             "shell": {"argv": ["sh", "-c", "printf '\\033[32mok\\033[0m 128 tests\\n'; echo 'WARN one is slow' >&2"]},
             "verify": [{"id": "all-green", "kind": "shell", "match": "128 tests"}]},
            {"id": "publish", "needs": ["test"], "effects": "idempotent",
             "shell": {"argv": ["sh", "-c", "echo '# Release 1.4.2' > notes.md; echo '{\"version\": \"1.4.2\"}' > meta.json"]},
             "artifacts": [{"file": "notes.md"}, {"file": "meta.json"}]},
            {"id": "check", "needs": ["publish"], "effects": "none",
             "shell": {"argv": ["sh", "-c", "echo 'health: 503'; exit 1"]}},
            {"id": "announce", "needs": ["check"], "effects": "none", "shell": {"argv": ["true"]}},
        ]}
APPROVAL = {"apiVersion": "pulser/v1", "kind": "Plan", "metadata": {"name": "drop-old-tables"}, "steps": [
    {"id": "confirm", "system": {"approval": {"message": "Drop 14 tables in production?"}}},
    {"id": "drop", "needs": ["confirm"], "effects": "none", "shell": {"argv": ["true"]}}]}
SLOW = [("copy", "echo copying; sleep 600")]


def make(bed):
    """Work of every kind: failed, done, under way, waiting, queued, scheduled."""
    bed.api("POST", "/v1/sessions", {"name": "release-1.4", "intent": "Ship 1.4 to all regions",
                                     "lanes": [{"name": name} for name in "ABCD"]})
    place = {"session": "release-1.4"}
    bed.api("PUT", "/v1/templates/release-service", {"plan": PLAN, "title": "Build, test and publish the service"})
    failed = bed.api("POST", "/v1/runs", {"template": "release-service", "lane": "A", **place})["id"]
    bed.ended(failed)
    for number in range(4):
        bed.run([("sync", f"echo region {number}")], name="sync-region", lane="B", key=f"region-{number}", **place)
    slow = bed.run(SLOW, name="copy-archive", wait=False, lane="C", **place)["id"]
    for number in range(5):
        bed.run([("mail", "true")], name="send-report", wait=False, lane="C", priority=number, **place)
    bed.api("POST", "/v1/runs", {"plan": APPROVAL, "lane": "D", **place})
    bed.until(lambda: bed.api("GET", "/v1/approvals")["approvals"], "an approval waits")
    bed.api("POST", "/v1/schedules", {"name": "nightly-backup", "template": "release-service", "rules": ["30 2 * * *"],
                                      "zone": "UTC"})
    bed.api("POST", "/v1/bulk", {"action": "cancel", "filter": {"plan": "send-report", "session": "release-1.4"},
                                 "reason": "superseded", "expected_count": 5})
    digest = bed.api("GET", f"/v1/runs/{failed}")["plan_digest"]
    return failed, slow, digest


with Bed() as bed:
    failed, slow, digest = make(bed)
    places = {
        "board": "/ui/sessions/release-1.4", "sessions": "/ui/sessions", "runs": "/ui/runs", "bulk": "/ui/bulk",
        "run-log": f"/ui/runs/{failed}?tab=log", "run-graph": f"/ui/runs/{failed}?tab=graph",
        "run-timeline": f"/ui/runs/{failed}?tab=timeline", "run-proofs": f"/ui/runs/{failed}?tab=proofs",
        "run-artifacts": f"/ui/runs/{failed}?tab=artifacts", "run-inputs": f"/ui/runs/{failed}?tab=inputs",
        "run-live": f"/ui/runs/{slow}",
        "approvals": "/ui/approvals", "templates": "/ui/templates", "template": "/ui/templates/release-service",
        "plan": f"/ui/plans/{digest}", "schedules": "/ui/schedules", "schedule": "/ui/schedules/nightly-backup",
        "cluster": "/ui/cluster", "metrics": "/ui/metrics", "settings": "/ui/settings",
    }
    for name, path in places.items():
        page = bed.page(path)
        page.locator("h1").first.wait_for()
        page.get_by_text("Live", exact=True).wait_for()
        # What is fetched once the page is there has come.
        page.wait_for_load_state("load")
        page.wait_for_timeout(600)
        expect(page.locator(".error-panel").count() == 0,
               f"{name} shows an error: {page.locator('.error-panel').first.text_content() if page.locator('.error-panel').count() else ''}")
        bed.look(page, name)
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(150)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        expect(wide <= 0, f"{name} is {wide} px too wide for a phone")
        bed.look(page, f"{name}-phone", themes=("light",))
        page.close()
    page = bed.page("/ui/approvals")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").wait_for()
    bed.look(page, "palette")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    bed.look(page, "keys")
    other = bed.browser.new_context(color_scheme="light", viewport={"width": 1400, "height": 900})
    page = other.new_page()
    page.goto(bed.base + "/ui")
    page.get_by_label("Token").wait_for()
    bed.look(page, "sign-in")
