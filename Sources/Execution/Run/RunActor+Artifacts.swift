// How files become evidence: by digest, small ones into Postgres, large ones beside it.

internal import Glibc
internal import PulserIR
internal import Store
internal import Tools

extension RunActor {
    /// Reads the step's declared files.
    func collectArtifacts(_ definition: Step) async throws(StepFailure) -> [ArtifactRow] {
        var artifacts: [ArtifactRow] = []
        for declaration in definition.artifacts {
            let path: String
            do throws(ExpressionError) {
                let scope = self.scope(step: self.index(of: definition.id))
                let rendered = try declaration.file.render(in: scope)
                guard case .string(let text) = rendered.value, !rendered.isTainted else {
                    throw ExpressionError(message: "is not a path", offset: 0)
                }
                path = text
            } catch {
                throw StepFailure(.error, "artifact: \(error.message)")
            }
            let file: String
            do {
                file = try WorkspacePath.resolve(path, in: self.workspace)
            } catch {
                throw StepFailure(error)
            }
            let folder = self.room.configuration.artifacts
            let stored = await BlockingWork.run { ArtifactFile.store(file, in: folder) }
            switch stored {
            case .failure(let error): throw StepFailure(.error, "artifact '\(path)' \(error)")
            case .success(let stored):
                artifacts.append(
                    ArtifactRow(
                        step: definition.id,
                        name: declaration.name ?? path,
                        digest: stored.digest,
                        size: stored.size,
                        mediaType: declaration.mediaType ?? "application/octet-stream",
                        content: stored.content
                    )
                )
            }
        }
        return artifacts
    }

    /// The event that tells of an artifact.
    func tell(_ artifact: ArtifactRow, _ attempt: Int) -> RunWrite {
        self.tell(
            .artifactStored,
            step: artifact.step,
            attempt: attempt,
            data: .object([
                "name": .string(artifact.name), "digest": .string(artifact.digest.description),
                "size": .integer(artifact.size), "media_type": .string(artifact.mediaType),
            ])
        )
    }
}

/// A file that was read to be kept.
struct ArtifactFile: Sendable {
    var digest: Digest
    var size: Int64
    /// `nil` when the bytes were copied into the artifact folder.
    var content: [UInt8]?

    /// Reads a regular file; a large one is copied under its digest, complete or not at all.
    static func store(_ path: String, in folder: String) -> Result<ArtifactFile, ExecutionError> {
        // Without O_NONBLOCK a pipe without a writer would hold the step forever.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return .failure(ExecutionError("cannot be read")) }
        defer { close(file) }
        guard let size = RegularFile.size(of: file) else {
            return .failure(ExecutionError("is not a file"))
        }
        guard size <= Limits.artifactBytesMax else {
            return .failure(ExecutionError("is larger than \(Limits.artifactBytesMax) bytes"))
        }
        var bytes = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < size {
            let count = bytes.withUnsafeMutableBytes { buffer in
                read(file, buffer.baseAddress?.advanced(by: filled), size - filled)
            }
            guard count > 0 else { return .failure(ExecutionError("changed while it was read")) }
            filled += count
        }
        let digest = Digest(of: bytes)
        guard size > Limits.artifactInlineBytesMax else {
            return .success(ArtifactFile(digest: digest, size: Int64(size), content: bytes))
        }
        guard Self.write(bytes, as: "\(folder)/\(digest.hex)") else {
            return .failure(ExecutionError("cannot be copied into \(folder)"))
        }
        return .success(ArtifactFile(digest: digest, size: Int64(size), content: nil))
    }

    private static func write(_ bytes: [UInt8], as path: String) -> Bool {
        // What is there already is used anew: it stays as long as what is made now.
        if access(path, R_OK) == 0, utimensat(AT_FDCWD, path, nil, 0) == 0 { return true }
        let draft = "\(path).\(getpid()).\(UInt64.random(in: 0...UInt64.max))"
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(file, buffer.baseAddress?.advanced(by: written), bytes.count - written)
            }
            guard count > 0 else { break }
            written += count
        }
        let isWhole = written == bytes.count && fsync(file) == 0
        close(file)
        guard isWhole, rename(draft, path) == 0 else {
            unlink(draft)
            return false
        }
        return true
    }
}
