// Lists every prepared statement, so that a test can prepare them all.

public import Postgres

/// All prepared statements of the product.
public enum Statements {
    /// Every statement, in the order of the folders.
    public static let all: [PostgresStatement] =
        MembershipSQL.all + VotesSQL.all + CoordinatorSQL.all + MovesSQL.all + OversightSQL.all
        + NodesSQL.all + ShardsSQL.all + SessionsSQL.all + LanesSQL.all + PlansSQL.all + RunsSQL.all
        + LanePauseSQL.all + LimitsSQL.all + DueSQL.all + RunTimingsSQL.all + UniqueSQL.all
        + FrontsSQL.all + DeadlinesSQL.all + RequestsSQL.all
        + SnoozeSQL.all + PrioritySQL.all + MoveSQL.all + RunEndsSQL.all + BatchSQL.all
        + DeadSQL.all
        + PauseSQL.all
        + BoardSQL.all + StatsSQL.all
        + RunListSQL.all + TemplatesSQL.all + BulkSQL.all
        + JournalSQL.all + EventsSQL.all + StreamsSQL.all + ArtifactsSQL.all + WriterSQL.all
        + WaitsSQL.all + SignalsSQL.all + ApprovalsSQL.all + RequestKeysSQL.all + SchedulesSQL.all
        + TicksSQL.all + TokensSQL.all + ExternalClaimsSQL.all
        + HistorySQL.all + SealSQL.all + BrowserSessionsSQL.all + HealthSQL.all
}
