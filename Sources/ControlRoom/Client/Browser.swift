// Decides how a person's browser is opened: by the desktop's own program, which is not told what is secret.

import Subprocess

/// The browser of whoever sits at this machine.
public enum Browser {
    /// Everybody on a machine can read what programs are started with, so an address that signs in
    /// is not given to one: it stands in a file that only its owner reads, which leads on to it.
    /// The file comes on the standard input, is opened, and is removed after 20 s.
    private static let secretScript = #"""
        page=$(cat)
        command -v xdg-open >/dev/null || exit 1
        for place in "$XDG_RUNTIME_DIR" "${TMPDIR:-/tmp}"; do
            [ -d "$place" ] && folder=$(mktemp -d "$place/opsroom-open.XXXXXXXXXX" 2>/dev/null) \
                && break
        done
        [ -n "$folder" ] || exit 1
        (umask 077; printf '%s\n' "$page" >"$folder/page.html") || { rm -rf -- "$folder"; exit 1; }
        exec setsid --fork sh -c '{ sleep 20; rm -rf -- "$1"; } & exec xdg-open "$1/page.html"' \
            sh "$folder" </dev/null >/dev/null 2>&1
        """#

    /// The program runs on by itself: some wait for the browser to end.
    private static let script = """
        command -v xdg-open >/dev/null || exit 1
        exec setsid --fork xdg-open "$1" </dev/null >/dev/null 2>&1
        """

    /// Opens an address.
    ///
    /// - Parameters:
    ///   - address: Where to.
    ///   - isSecret: Whether it must not be seen in the list of processes.
    ///   - environment: The process's variables; without a display there is no browser.
    /// - Returns: Whether a browser was asked to.
    public static func open(
        _ address: String,
        isSecret: Bool,
        environment: [String: String]
    ) async -> Bool {
        let hasScreen = ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"].contains { name in
            environment[name]?.isEmpty == false
        }
        guard hasScreen else { return false }
        let result = try? await Subprocess.run(
            .name("sh"),
            arguments: isSecret ? ["-c", Self.secretScript] : ["-c", Self.script, "sh", address],
            input: .string(isSecret ? Self.forwarding(to: address) : ""),
            output: .discarded,
            error: .discarded
        )
        return result?.terminationStatus.isSuccess ?? false
    }

    /// A document that leads on at once, and leaves no trace in the browser's history.
    static func forwarding(to address: String) -> String {
        let signs: [Character: String] = [
            "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#39;",
        ]
        let text = address.map { signs[$0] ?? String($0) }.joined()
        return """
            <!doctype html>
            <meta charset="utf-8">
            <meta name="referrer" content="no-referrer">
            <meta http-equiv="refresh" content="0; url=\(text)">
            <title>Ops Control Room</title>
            <p><a href="\(text)" rel="noreferrer">Open Ops Control Room</a></p>
            """
    }
}
