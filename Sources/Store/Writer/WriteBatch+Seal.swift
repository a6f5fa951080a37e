// What of a batch is sealed, and where it will lie.

internal import PulserIR

extension WriteBatch {
    func text(of record: StepRecord, _ run: RunID) -> String {
        self.seal.sealed(
            record.bodyText,
            .record(run: run, step: record.step, attempt: Int64(record.attempt))
        )
    }

    func failure(_ transition: RunTransition?, _ run: RunID) -> String? {
        transition?.failure.map { self.seal.sealed($0.storable, .failure(run: run)) }
    }

    func outputs(_ transition: RunTransition?, _ run: RunID) -> String? {
        transition?.outputs.map { self.seal.sealed($0, .outputs(run: run)) }
    }

    func content(_ artifact: ArtifactRow, _ run: RunID) -> [UInt8]? {
        artifact.content.map { content in
            self.seal.sealed(
                content,
                .artifact(run: run, step: artifact.step, name: artifact.name.storable)
            )
        }
    }

    func bytes(_ lane: Int64, _ chunk: LaneLog.Chunk) -> [UInt8] {
        self.seal.sealed(chunk.bytes, .events(lane: lane, firstSequence: chunk.firstSequence))
    }
}
