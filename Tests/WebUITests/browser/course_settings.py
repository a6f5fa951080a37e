"""Settings: theme and rows kept, a token made, used and revoked, retention, limits, dead letters, signing out."""

from bed import Bed, CourseFailed, expect


def looks(bed, page):
    """What is chosen holds at once, and after a reload."""
    page.get_by_role("button", name="Light").click()
    expect(page.evaluate("document.documentElement.dataset.theme") == "light", "light at once")
    page.get_by_role("button", name="Compact").click()
    page.reload()
    page.get_by_role("button", name="Compact").wait_for()
    expect(page.evaluate("document.documentElement.dataset.theme") == "light", "light is kept")
    expect(page.evaluate("document.documentElement.dataset.density") == "compact", "compact is kept")
    page.get_by_role("button", name="As the system").click()
    page.get_by_role("button", name="Comfortable").click()
    bed.look(page, "settings")


def token(bed, page):
    """A token's secret is shown once; it works until it is revoked."""
    page.get_by_role("link", name="Tokens").click()
    page.get_by_text("yours").wait_for()
    page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("robot")
    dialog.get_by_role("combobox", name="May").select_option("read")
    bed.look(page, "settings-new-token")
    dialog.get_by_role("button", name="Make it").click()
    secret = dialog.locator(".secret code").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    expect(dialog.locator(".secret code").is_visible(), "it stays until somebody says that he has it")
    expect(bed.api("GET", "/v1/me", token=secret)["scope"] == "read", "it may what was chosen")
    dialog.get_by_role("button", name="I have it").click()
    row = page.get_by_role("row", name="robot")
    row.wait_for()
    expect(secret not in page.content(), "the secret is gone from the page")
    bed.look(page, "settings-tokens")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("robot is revoked").wait_for()
    bed.until(lambda: page.get_by_role("row", name="robot").count() == 0, "it is off the list")
    try:
        bed.api("GET", "/v1/me", token=secret)
    except CourseFailed as error:
        expect(": 401 " in str(error), f"it is refused, not {error}")
    else:
        raise CourseFailed("a revoked token works")


def retention(bed, page):
    """What would go is told before retention is changed."""
    page.get_by_role("link", name="Retention").click()
    page.get_by_role("button", name="Change how long events are kept").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Nothing would go at once").wait_for()
    dialog.get_by_label("Keep").fill("two weeks")
    dialog.get_by_text("Whole days as 30d").first.wait_for()
    dialog.get_by_label("Keep").fill("14d")
    dialog.get_by_text("Nothing would go at once").wait_for()
    dialog.get_by_role("button", name="Keep it so").click()
    page.get_by_text("Kept for 14 days", exact=True).wait_for()
    expect(bed.api("GET", "/v1/retention")["events"]["keep"] == "14d", "the node keeps it so")
    bed.look(page, "settings-retention")


def held(page, dialog):
    """While it works a dialog stays, whatever is pressed."""
    asked = []
    page.route("**/v1/limits/shop", lambda route: asked.append(route))
    dialog.get_by_label("Name").fill("shop")
    dialog.get_by_role("button", name="Make it").click()
    dialog.get_by_role("button", name="Back").and_(page.locator(":disabled")).wait_for()
    page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    expect(dialog.is_visible(), "its outcome is awaited")
    asked[0].continue_()
    dialog.wait_for(state="detached")
    page.unroute("**/v1/limits/shop")


def limits(bed, page):
    """A limit is made, changed and removed."""
    page.get_by_role("link", name="Limits").click()
    page.get_by_text("No limits yet").wait_for()
    page.get_by_role("button", name="New limit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("bank")
    dialog.get_by_label("Rate").fill("100/m")
    dialog.get_by_role("button", name="Make it").click()
    page.get_by_role("row", name="bank").wait_for()
    bed.look(page, "settings-limits")
    page.get_by_role("button", name="New limit").click()
    dialog.get_by_label("Name").fill("bank")
    dialog.get_by_label("Rate").fill("1/d")
    bed.allow("412")
    dialog.get_by_role("button", name="Make it").click()
    dialog.get_by_text("There is a limit 'bank' already").wait_for()
    expect(bed.api("GET", "/v1/limits/bank")["rate"] == "100/m", "the one that is there stays")
    held(page, dialog)
    page.get_by_role("row", name="shop").wait_for()
    bed.api("DELETE", "/v1/limits/shop")
    page.get_by_role("button", name="Remove bank").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_text("No limits yet").wait_for()


def dead(bed, page):
    """A run that failed for good is sent again, or put aside with a note."""
    one = bed.run([["go", "exit 3"]], plan={"retry": {"max_attempts": 1}})["id"]
    page.get_by_role("link", name="Dead letters").click()
    page.get_by_role("link", name=one).wait_for()
    bed.look(page, "settings-dead")
    page.get_by_role("button", name=f"Send {one} again").click()
    page.get_by_text("It runs again").wait_for()
    bed.until(lambda: bed.ended(one)["status"] == "failed" and page.get_by_role("link", name=one).count() == 1,
              "it failed again")
    page.get_by_role("button", name=f"Put {one} aside").click()
    page.get_by_label("Why").fill("done by hand")
    page.get_by_role("dialog").get_by_role("button", name="Put aside").click()
    page.get_by_text("Nothing is left lying").wait_for()
    expect(bed.api("GET", f"/v1/dead/{one}")["discarded"]["note"] == "done by hand", "with the note")


def out(bed, page):
    """Signed out, the page asks for a token, and takes one."""
    page.get_by_role("link", name="You and this browser").click()
    bed.allow("401")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Token").fill(bed.token)
    bed.look(page, "sign-in")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Runboard").first.wait_for()


def main():
    with Bed() as bed:
        page = bed.page("/ui/settings")
        looks(bed, page)
        token(bed, page)
        retention(bed, page)
        limits(bed, page)
        dead(bed, page)
        out(bed, page)


main()
