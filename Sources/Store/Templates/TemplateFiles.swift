// What a template was made of: plan files as they were written.

internal import PulserIR

/// Plan files by their paths, and the one to begin with.
public struct TemplateFiles: Sendable, Hashable {
    /// The path of the file to begin with.
    public var main: String
    /// Each file's text by its path.
    public var texts: [String: String]

    /// Describes files.
    public init(main: String, texts: [String: String]) {
        self.main = main
        self.texts = texts
    }

    /// As the database has them.
    var text: String {
        JSONValue.object([
            "main": .string(self.main),
            "files": .object(self.texts.mapValues { .string($0) }),
        ]).canonicalText
    }

    init(stored text: String) throws(StoreError) {
        let value = try? JSONValue(parsing: text)
        guard let main = value?["main"]?.stringValue, let files = value?["files"]?.objectValue
        else {
            throw StoreError(.corrupt, "the files of a template cannot be read")
        }
        self.main = main
        self.texts = files.compactMapValues(\.stringValue)
    }
}
