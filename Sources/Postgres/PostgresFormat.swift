// Decides how the columns of a one-shot query travel.

/// The wire format of result columns.
public enum PostgresFormat: Sendable, Hashable {
    /// The text a person would see in `psql`.
    case text
    /// The type's binary form.
    case binary
}
