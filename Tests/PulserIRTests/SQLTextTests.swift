// What a SQL text says about itself.

import PulserIR
import Testing

@Suite("SQL texts") struct SQLTextTests {
    private static let parameters: [(String, [String])] = [
        ("select :a, :b_1, :a", ["a", "b_1", "a"]), ("select x::text, :y::int", ["y"]),
        ("select ':no', \":no\", 'it''s :no'", []), ("select E'a\\':no', :yes", ["yes"]),
        ("select 1 -- :no\n, :yes", ["yes"]), ("/* :no /* :no */ :no */ select :yes", ["yes"]),
        ("select $$ :no $$, $t$ :no $$ $t$, :yes", ["yes"]), ("select $1, :a", ["a"]),
        ("a := 1", []), ("select 'never closed :no", []), ("", []),
    ]

    @Test(
        "parameters are found outside texts, names, casts, comments and dollar quotes",
        arguments: parameters
    )
    func found(text: String, names: [String]) {
        #expect(SQLText(text).parameters.map(\.name) == names)
    }

    private static let effects: [(String, Bool)] = [
        ("select 1", true), (" -- x\nSELECT 1;", true), ("(select 1)", true), ("values (1)", true),
        ("table t", true), ("show all", true), ("with a as (select 1) select * from a", true),
        ("with a as (delete from t returning 1) select * from a", false),
        ("explain select 1", true),
        ("explain analyze delete from t", false), ("select 1; delete from t", false),
        ("select * into t from u", false), ("insert into t values (1)", false), ("vacuum", false),
        ("", false), ("select 'delete'", true),
    ]

    @Test("a text only reads when all its statements begin like reading ones", arguments: effects)
    func reads(text: String, expected: Bool) { #expect(SQLText(text).readsOnly == expected) }
}
