// The SQL of the coordinator's office: getting it, keeping it, giving it back.

internal import Postgres

enum CoordinatorSQL {
    static let all = [elect, prolong, resign]

    /// Whether node `t` may hold the office: it takes part, its lease goes on, and no standing votes
    /// against it are enough for its end. A coordinator is the only one who ends nodes for their
    /// silence, so one that its peers do not hear would never be ended.
    private static func isEligible(_ node: String) -> String {
        """
        EXISTS (SELECT 1 FROM node t WHERE t.node_epoch = \(node) AND t.status = 'active'
            AND t.lease_until > clock_timestamp() AND NOT \(VotesSQL.standsSoft))
        """
    }

    /// The office, when it is vacant, with the version of the view that rose; the term that goes on,
    /// when it is this node's already. Sent
    /// after `cluster.lock`, so that its snapshot is of after the wait for the row: who was declared
    /// dead meanwhile is not elected.
    static let elect = PostgresStatement(
        "coordinator.elect",
        [.int8],
        """
        WITH elected AS (
            UPDATE cluster SET coord_node = $1, coord_epoch = coord_epoch + 1,
                coord_until = clock_timestamp() + \(ClusterRules.lease.interval),
                view_version = view_version + 1
            WHERE coord_until < clock_timestamp() AND \(isEligible("$1"))
            RETURNING coord_node, coord_epoch, view_version)
        SELECT coord_node, coord_epoch, view_version FROM elected
        UNION ALL
        SELECT coord_node, coord_epoch, NULL FROM cluster
        WHERE coord_node = $1 AND coord_until > clock_timestamp()
        """
    )

    /// A term that was over once is not prolonged: somebody may have counted on its end. Locks the
    /// one row, and nothing after it.
    static let prolong = PostgresStatement(
        "coordinator.prolong",
        [.int8, .int8],
        """
        UPDATE cluster SET coord_until = clock_timestamp() + \(ClusterRules.lease.interval)
        WHERE \(MovesSQL.isInOffice) AND \(isEligible("$1"))
        RETURNING coord_epoch
        """
    )

    /// Ends the term at once; gives the version of the view that rose. Locks the one row, and nothing
    /// after it.
    static let resign = PostgresStatement(
        "coordinator.resign",
        [.int8, .int8],
        """
        UPDATE cluster SET coord_node = NULL, coord_until = to_timestamp(0),
            view_version = view_version + 1
        WHERE coord_node = $1 AND coord_epoch = $2
        RETURNING view_version
        """
    )
}
