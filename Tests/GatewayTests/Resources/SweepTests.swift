// Decides that what nobody needs any more goes when its time is over, and nothing else.

import Foundation
import PulserIR
import TestBed
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct SweepTests {
    @Test("an upload goes when its time is over; what a run uses stays, and so does what is new")
    func uploads() async throws {
        let blobs = BlobFolder(path: TestPostgres.temporaryDirectory() + "/artifacts")
        let folder = UploadFolder(blobs: blobs, kept: .seconds(3_600))
        var digests: [PulserIR.Digest] = []
        for byte in UInt8(0)..<4 {
            let writer = try await folder.make()
            try await writer.append([byte])
            let digest = try #require(writer.digest)
            try await writer.keep(digest)
            digests.append(digest)
        }
        let uploads = blobs.path + "/uploads"
        // What a broken upload left, and a link that is older than anything.
        try Data().write(to: URL(filePath: "\(uploads)/.upload-1"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(uploads)/link",
            withDestinationPath: "\(uploads)/\(digests[3].hex)"
        )
        let used = try #require(folder.use(digests[0]))
        for name in [digests[0].hex, digests[1].hex, digests[2].hex, ".upload-1"] {
            try FileManager.default.setAttributes(
                [.modificationDate: Date.now.addingTimeInterval(-7_200)],
                ofItemAtPath: "\(uploads)/\(name)"
            )
        }
        // Its time begins anew: the file is the run's from now on.
        #expect(folder.use(digests[1]) != nil)
        #expect(folder.sweep() == 3)
        #expect(try Data(contentsOf: URL(filePath: used)) == Data([0]))
        #expect(try await folder.open(digests[1])?.size == 1)
        #expect(try await folder.open(digests[2]) == nil)
        #expect(folder.use(digests[2]) == nil)
        #expect(try await folder.open(digests[3])?.size == 1)
        let left = try FileManager.default.contentsOfDirectory(atPath: uploads)
        #expect(Set(left) == [digests[1].hex, digests[3].hex, "link"])
    }

    @Test("more than one statement removes goes in one go, and what is of use stays")
    func many() async throws {
        try await GatewayBed.with { bed in
            let worker = BulkWorker(store: bed.store, kept: .seconds(60), logger: logger)
            let count = 2 * BulkWorker.sweepMax + 1
            try await bed.text(
                """
                INSERT INTO run_unique (key, run_id, until)
                SELECT 'l1:' || n, n, now() + CASE n WHEN 0 THEN interval '1 h' ELSE '-1 s' END
                FROM generate_series(0, \(count)) n
                """
            )
            try await bed.text(
                """
                INSERT INTO dead_discard (run_id, claim_no, discarded_by, note)
                SELECT n, 1, 'me', '' FROM generate_series(1, \(count)) n
                """
            )
            try await worker.sweep()
            #expect(try await bed.text("SELECT string_agg(key, ' ') FROM run_unique") == "l1:0")
            #expect(try await bed.text("SELECT count(*) FROM dead_discard") == "0")
        }
    }

    @Test("unique keys are swept every minute, all else every ten, and after an action")
    func times() {
        let begin = ContinuousClock.now
        func at(_ seconds: Int) -> ContinuousClock.Instant { begin + .seconds(seconds) }
        var times = SweepTimes(from: begin)
        #expect(times.due(at: at(59), hasWorked: false) == .nothing)
        #expect(times.due(at: at(61), hasWorked: false) == .uniqueKeys)
        #expect(times.due(at: at(120), hasWorked: false) == .nothing)
        #expect(times.due(at: at(121), hasWorked: false) == .uniqueKeys)
        #expect(times.due(at: at(122), hasWorked: true) == .all)
        #expect(times.due(at: at(181), hasWorked: false) == .nothing)
        // A node that nobody asks anything: a statement a minute.
        let idle = (182..<782).map { times.due(at: at($0), hasWorked: false) }
        #expect(idle.count { $0 == .uniqueKeys } == 9)
        #expect(idle.count { $0 == .all } == 1)
    }
}
