// Every endpoint on one screen.

import HTTPTypes

extension Gateway {
    /// All routes, in the order of the API's description.
    public var routes: [Route] {
        let problems = ProblemsResource()
        return [
            Route(.get, "/v1/problems/{code}", nil, "problems.get", problems.get)
        ]
    }
}
