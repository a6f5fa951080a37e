// What the API's description says of one endpoint.

public import PulserIR

/// The description of one route; routes and operations are held together by name.
public struct Operation: Sendable {
    /// A parameter of the path, the query or the fields.
    public struct Parameter: Sendable {
        /// Where it stands: `path`, `query` or `header`.
        public var place: String
        /// Its name.
        public var name: String
        /// What it says.
        public var summary: String
        /// Its form.
        public var schema: JSONValue

        /// A parameter of the path.
        public static func path(_ name: String, _ summary: String) -> Parameter {
            Parameter(place: "path", name: name, summary: summary, schema: Schema.text)
        }

        /// A parameter of the query.
        public static func query(
            _ name: String,
            _ summary: String,
            _ schema: JSONValue = Schema.text
        ) -> Parameter {
            Parameter(place: "query", name: name, summary: summary, schema: schema)
        }

        /// A field of the request.
        public static func header(
            _ name: String,
            _ summary: String,
            _ schema: JSONValue = Schema.text
        ) -> Parameter {
            Parameter(place: "header", name: name, summary: summary, schema: schema)
        }

        /// Its members.
        var json: JSONValue {
            .object([
                "in": .string(self.place),
                "name": .string(self.name),
                "description": .string(self.summary),
                "required": .bool(self.place == "path"),
                "schema": self.schema,
            ])
        }
    }

    /// One answer.
    public struct Answer: Sendable {
        /// Its status.
        public var status: Int
        /// When it is given.
        public var summary: String
        /// Its media types with their forms; empty for an answer without a body.
        public var content: [String: JSONValue]

        /// An answer in JSON.
        public static func json(_ status: Int, _ summary: String, _ schema: JSONValue) -> Answer {
            Answer(status: status, summary: summary, content: ["application/json": schema])
        }

        /// A problem worth naming.
        public static func problem(_ status: Int, _ summary: String) -> Answer {
            Answer(
                status: status,
                summary: summary,
                content: ["application/problem+json": Schema.named("Problem")]
            )
        }

        /// An answer without a body.
        public static func empty(_ status: Int, _ summary: String) -> Answer {
            Answer(status: status, summary: summary, content: [:])
        }

        /// An answer of another type.
        public static func other(
            _ status: Int,
            _ summary: String,
            _ types: [String]
        ) -> Answer {
            let pairs = types.map { ($0, JSONValue.object([:])) }
            return Answer(
                status: status,
                summary: summary,
                content: Dictionary(pairs, uniquingKeysWith: { $1 })
            )
        }
    }

    /// The group it is shown in.
    public var tag: String
    /// One sentence.
    public var summary: String
    /// What else there is to know; `nil` when the sentence is enough.
    public var note: String?
    /// Its parameters, those of the path first.
    public var parameters: [Parameter]
    /// The form of a JSON body; `nil` for none.
    public var body: JSONValue?
    /// Media types of a body that is not JSON.
    public var bodyTypes: [String]
    /// Its good answers; problems are added.
    public var answers: [Answer]

    /// Describes a route.
    public init(
        _ tag: String,
        _ summary: String,
        note: String? = nil,
        parameters: [Parameter] = [],
        body: JSONValue? = nil,
        bodyTypes: [String] = [],
        answers: [Answer]
    ) {
        self.tag = tag
        self.summary = summary
        self.note = note
        self.parameters = parameters
        self.body = body
        self.bodyTypes = bodyTypes
        self.answers = answers
    }
}
