// Decides how a person's browser is opened: by the desktop's own program, which outlives the command.

import Subprocess

/// The browser of whoever sits at this machine.
public enum Browser {
    /// The program runs on by itself: some wait for the browser to end.
    private static let script = """
        command -v xdg-open >/dev/null || exit 1
        exec setsid --fork xdg-open "$1" </dev/null >/dev/null 2>&1
        """

    /// Opens an address.
    ///
    /// - Parameters:
    ///   - address: Where to.
    ///   - environment: The process's variables; without a display there is no browser.
    /// - Returns: Whether a browser was asked to.
    public static func open(_ address: String, environment: [String: String]) async -> Bool {
        let hasScreen = ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"].contains { name in
            environment[name]?.isEmpty == false
        }
        guard hasScreen else { return false }
        let result = try? await Subprocess.run(
            .name("sh"),
            arguments: ["-c", Self.script, "sh", address],
            output: .discarded,
            error: .discarded
        )
        return result?.terminationStatus.isSuccess ?? false
    }
}
