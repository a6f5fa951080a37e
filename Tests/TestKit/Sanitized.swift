// How tests know that a sanitizer is at work: what it slows down is waited for longer, nothing else changes.

import Foundation

/// What `OPSROOM_SANITIZED` says; `loadtests/sanitizers` sets it.
public enum Sanitized {
    /// Whether this build was made with a sanitizer.
    public static let isOn = ProcessInfo.processInfo.environment["OPSROOM_SANITIZED"] != nil

    /// How long something is waited for: ten times as long under a sanitizer.
    public static func patience(_ usual: Duration) -> Duration { Self.isOn ? usual * 10 : usual }

    /// How many minutes a test may take: ten times as many under a sanitizer.
    public static func minutes(_ usual: Int) -> Int { Self.isOn ? usual * 10 : usual }
}
