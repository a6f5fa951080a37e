// Decides what the doctor makes of the HTTP/2 library's package.

import Testing

@testable import ControlRoom

@Suite("The HTTP/2 library's age")
struct LibraryFactsTests {
    private static let path = "/usr/lib/x86_64-linux-gnu/libnghttp2.so.14.24.1"

    private static func finding(_ version: String?, isRecent: Bool?) -> Doctor.Finding {
        var facts = LibraryFacts(path: Self.path)
        facts.package = version.map { LibraryFacts.Package(name: "libnghttp2-14", version: $0) }
        facts.isRecent = isRecent
        return facts.finding
    }

    @Test(
        "a package that has the fixes is fine, an older one is told with the command that mends it"
    )
    func debian() {
        let recent = Self.finding("1.52.0-1+deb12u3", isRecent: true)
        #expect(recent.level == .ok && recent.fix == nil)
        let old = Self.finding("1.52.0-1+deb12u2", isRecent: false)
        #expect(old.level == .warn)
        #expect(old.message.contains("older than 1.52.0-1+deb12u3"))
        #expect(old.fix == "apt-get install --only-upgrade libnghttp2-14")
    }

    @Test("what nobody can compare is not called safe")
    func unknown() {
        let unverified = [
            Self.finding(nil, isRecent: nil), Self.finding("1.52.0-1+deb12u3", isRecent: nil),
            // Newer upstream, but mended by whom?
            Self.finding("1.64.0-1.1", isRecent: true), LibraryFacts().finding,
        ]
        for finding in unverified {
            #expect(finding.level == .warn)
            #expect(finding.message.contains("not verified"))
        }
    }
}
