"""The page over TLS: HTTP/2, a Secure cookie, one stream, the policy in force."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from bed import Bed, expect

folder = pathlib.Path(tempfile.mkdtemp(prefix="opsroom-tls-"))
certificate, key = folder / "cert.pem", folder / "key.pem"
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
os.chmod(key, 0o600)
with Bed(tls=(str(certificate), str(key))) as bed:
    page = bed.page("/ui")
    page.get_by_text("Live", exact=True).wait_for()
    protocol = page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol")
    expect(protocol == "h2", f"the page came over {protocol}, not h2")
    cookies = bed.context.cookies()
    expect(all(one["secure"] and one["httpOnly"] and one["sameSite"] == "Strict" for one in cookies) and cookies,
           f"the cookie is not as strict as can be: {[(c['name'], c['secure'], c['sameSite']) for c in cookies]}")
    done = bed.run([("hello", "echo over tls")], name="over-tls")
    page.goto(f"{bed.base}/ui/runs/{done['id']}")
    page.get_by_text("over-tls").first.wait_for()
    policy = bed.context.request.get(f"{bed.base}/ui").headers["content-security-policy"]
    for rule in ["script-src 'self'", "style-src 'self'", "require-trusted-types-for 'script'", "default-src 'none'"]:
        expect(rule in policy, f"the policy lacks {rule}: {policy}")
    # The policy holds: a script that is put into the document does not run.
    bed.allow("Content Security Policy")
    bed.allow("TrustedHTML")
    bed.allow("TrustedScript")
    ran = page.evaluate("""() => {
        const script = document.createElement('script');
        try { script.textContent = 'window.ran = true'; document.body.append(script); } catch { return 'refused'; }
        try { document.body.innerHTML = '<p>'; return 'markup'; } catch { return window.ran ? 'ran' : 'refused'; }
    }""")
    expect(ran == "refused", f"a script in the document: {ran}")
shutil.rmtree(folder)
