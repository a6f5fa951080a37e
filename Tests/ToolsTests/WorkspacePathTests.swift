// Which paths lead out of a workspace.

import Glibc
import Testing

@testable import Tools

@Suite("Workspace paths")
struct WorkspacePathTests {
    @Test(
        "no path leads out",
        arguments: [
            "", "/etc/passwd", "..", "../x", "a/../../x", "out/passwd", "out", "a/../../etc",
            "deep/out/x",
            "dangling", "dangling/x", "loop", "./../x", "a\0b",
        ]
    )
    func escapes(_ path: String) throws {
        let fixture = try Fixture()
        // The outside is a folder of this test too: no test links to a place it does not own.
        let outside = try Fixture()
        try outside.write("outside", to: "passwd")
        mkdir(fixture.workspace + "/deep", 0o755)
        symlink(outside.workspace, fixture.workspace + "/out")
        symlink(outside.workspace, fixture.workspace + "/deep/out")
        symlink("/nowhere/at/all", fixture.workspace + "/dangling")
        symlink("loop", fixture.workspace + "/loop")
        #expect(throws: ToolFailure.self) {
            try WorkspacePath.resolve(path, in: fixture.workspace)
        }
    }

    @Test("clearing a test's workspace never reaches through a link")
    func cleanup() throws {
        let outside = try Fixture()
        try outside.write("kept", to: "kept")
        var fixture: Fixture? = try Fixture()
        let root = try #require(fixture?.workspace)
        symlink(outside.workspace, root + "/out")
        fixture = nil
        #expect(access(root, F_OK) != 0)
        #expect(access(outside.workspace + "/kept", F_OK) == 0)
    }

    @Test("paths inside are resolved, links inside too, and need not exist")
    func inside() throws {
        let fixture = try Fixture()
        mkdir(fixture.workspace + "/deep", 0o755)
        symlink("deep", fixture.workspace + "/link")
        let root = fixture.workspace
        #expect(try WorkspacePath.resolve("a/./b//c", in: root) == root + "/a/b/c")
        #expect(try WorkspacePath.resolve("deep/../x", in: root) == root + "/x")
        #expect(try WorkspacePath.resolve("link/new/file", in: root) == root + "/deep/new/file")
        #expect(try WorkspacePath.resolve(".", in: root) == root)
    }
}
