// Decides where a node looks for the page's files, what of a folder it reads, and what the doctor says.

import Foundation
import Gateway
import NIOCore
import TestBed
import Testing

@testable import ControlRoom

@Suite("The page's folder")
struct PageFolderTests {
    /// Makes files in a fresh folder, for as long as `body` runs.
    private static func with(
        _ files: [String: String],
        _ body: (String) throws -> Void
    ) throws {
        let root = TestPostgres.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: root) }
        for (path, text) in files { try Self.write(text, "\(root)/\(path)") }
        try body(root)
    }

    private static func write(_ text: String, _ path: String) throws {
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: path).deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    @Test(
        "it is found above the program, among its sources or beside its installation",
        arguments: [
            ("Sources/WebUI/assets", ".build/debug/opsroom"),
            ("share/opsroom/page", "bin/opsroom"),
        ]
    )
    func above(_ place: String, _ program: String) throws {
        try Self.with(["\(place)/index.html": "", program: ""]) { root in
            let found = PageFolder.find(environment: [:], program: "\(root)/\(program)")
            #expect(found?.path == "\(root)/\(place)")
        }
        try Self.with(["\(place)/other.html": "", program: ""]) { root in
            let found = PageFolder.find(environment: [:], program: "\(root)/\(program)")
            #expect(found == nil)
        }
    }

    @Test("what lies at the working directory, or above it, is never the page")
    func workingDirectory() throws {
        // The tests are started in the repository, where there is a page.
        try Self.with(["bin/opsroom": ""]) { root in
            let programs = ["\(root)/bin/opsroom", "opsroom", "bin/opsroom", "", nil]
            for program in programs {
                let found = PageFolder.find(environment: [:], program: program)
                #expect(found == nil, "\(program ?? "none")")
            }
            let unnamed = PageFolder.find(
                environment: [PageFolder.overrideKey: ""],
                program: "\(root)/bin/opsroom"
            )
            #expect(unnamed == nil)
        }
    }

    @Test("a folder that is named is the one; without a page in it there is none")
    func named() throws {
        try Self.with(["page/index.html": "", "empty/a.js": ""]) { root in
            func find(_ path: String) -> PageFolder? {
                PageFolder.find(environment: [PageFolder.overrideKey: path])
            }
            #expect(find("\(root)/page")?.path == "\(root)/page")
            #expect(find("\(root)/empty") == nil)
            #expect(find("\(root)/gone") == nil)
        }
    }

    @Test("all files count by their paths; hidden ones and links do not")
    func reading() throws {
        let files = ["index.html": "a", "core/deep/x.js": "bc", ".hidden": "d", "y.css": ""]
        try Self.with(["secret": "e"]) { outside in
            try Self.with(files) { root in
                try FileManager.default.createSymbolicLink(
                    atPath: "\(root)/link.js",
                    withDestinationPath: "\(outside)/secret"
                )
                try FileManager.default.createSymbolicLink(
                    atPath: "\(root)/folder",
                    withDestinationPath: outside
                )
                let read = try PageFolder(path: root).read().mapValues { String(buffer: $0) }
                #expect(read == ["index.html": "a", "core/deep/x.js": "bc", "y.css": ""])
            }
        }
    }

    @Test(
        "names of folders and files may be in any language",
        arguments: ["jos\u{e9}", "jose\u{301}", "部屋", "a b%20c#?"]
    )
    func languages(_ name: String) throws {
        let files = ["\(name)/index.html": "a", "\(name)/core/\(name).js": "b"]
        try Self.with(files) { root in
            let folder = PageFolder(path: "\(root)/\(name)")
            let read = try folder.read().mapValues { String(buffer: $0) }
            #expect(read == ["index.html": "a", "core/\(name).js": "b"])
        }
    }

    @Test("a folder that is too large for memory is refused")
    func bounds() throws {
        let large = String(repeating: "x", count: PageFolder.fileBytesMax + 1)
        try Self.with(["index.html": "", "large.js": large]) { root in
            #expect(throws: RoomError.self) { try PageFolder(path: root).read() }
        }
        var many = ["index.html": ""]
        for number in 0...PageFolder.filesMax { many["\(number).js"] = "" }
        try Self.with(many) { root in
            #expect(throws: RoomError.self) { try PageFolder(path: root).read() }
        }
    }

    @Test("whoever writes the page says so, and then a change is seen")
    func live() throws {
        try Self.with(["index.html": "a"]) { root in
            var environment = [PageFolder.overrideKey: root]
            let fixed = try #require(PageFolder.source(environment: environment))
            #expect(fixed.stamp == nil)
            environment[PageFolder.liveKey] = "1"
            let source = try #require(PageFolder.source(environment: environment))
            let stamp = try #require(source.stamp)
            let first = stamp()
            #expect(stamp() == first)
            try Self.write("ab", "\(root)/index.html")
            let second = stamp()
            #expect(second != first)
            try Self.write("", "\(root)/parts/new.js")
            #expect(stamp() != second)
            #expect(try source.files().count == 2)
        }
    }

    @Test("the doctor names the folder, the packages that lack, and what is lost without them")
    func doctor() {
        let found = Doctor.folder(PageFolder(path: "/page"), [:])
        #expect(found.level == .ok && found.message == "/page")
        let gone = Doctor.folder(nil, [PageFolder.overrideKey: "/gone"])
        #expect(gone.level == .warn && gone.message.hasPrefix("/gone has no index.html"))
        #expect(Doctor.folder(nil, [:]).fix?.contains(PageFolder.overrideKey) == true)
        #expect(Doctor.packages([]).level == .ok)
        let lacking = Doctor.packages(VendorFile.all.filter { $0.name != "diff.js" })
        #expect(lacking.level == .warn)
        #expect(lacking.message.contains("without libjs-marked Markdown is shown as plain text"))
        #expect(
            lacking.fix
                == "apt-get install --no-install-recommends libjs-marked fonts-inter-variable "
                + "fonts-jetbrains-mono"
        )
    }
}
