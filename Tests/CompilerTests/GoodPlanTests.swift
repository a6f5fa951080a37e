// What valid plans mean, down to the corners of the language.

import Compiler
import PulserIR
import TestKit
import Testing

@Suite("Good plans") struct GoodPlanTests {
    static let corners = """
        apiVersion: pulser/v1
        kind: Plan
        metadata: {name: corners, version: "1.0", title: 'It''s all: here', source: {kind: x, n: [1, 2.5]}}
        inputs:
          answer: {type: string, enum: ["yes", no, on], default: no}
          count: {type: integer, title: How many, default: 0x10}
          ratio: {type: number, default: 1e3}
          hosts: {type: array}
        secrets: [PG_DSN, TOKEN]
        env: [HOME]
        defaults: {timeout: 60s, retry: {max_attempts: 2}, max_parallel: 4}
        timeout: 2h
        retry: {max_attempts: 1}
        outputs: {total: "{{ steps.count.outputs.n }}"}
        steps:
          - id: count
            sql:
              dsn: PG_DSN
              query: |
                select count(*) as n  -- :not a parameter
                from t where a = :a and b::text = ':b'
              params: {a: "{{ inputs.answer }}"}
            outputs: {n: "{{ result.rows[0].n }}"}
            verify:
              - {id: some, kind: sql, rows: 1}
              - {id: sane, kind: custom, assert: outputs.n >= 0, required: false, timeout: 5s}
          - id: serve
            needs: [count]
            shell:
              argv: [httpd, -p, 8080, on, 2026-11-21, "{{ inputs.count }}"]
              env: {TOKEN: "{{ secrets.TOKEN }}", HOME: "{{ env.HOME }}"}
              cwd: www
              background: true
            verify:
              - id: up
                kind: http
                url: "http://127.0.0.1:8080/{{ run.id }}"
                status: [200, 204]
                header: {content-type: text/html}
                match: "^ok( .*)?$"
                json: {/a/0: "{{ inputs.ratio }}", "": null}
                retry: {max_attempts: 10, backoff: 100ms, when: [5xx, network]}
          - id: each
            title: no
            needs: [serve]
            if: steps.count.outputs.n > 0 && inputs.answer != 'no'
            timeout: 1500ms
            system:
              fan_out:
                over: "{{ inputs.hosts }}"
                max_parallel: 3
                http: {url: "http://{{ item.name }}/", headers: {Authorization: "Bearer {{ secrets.TOKEN }}"}}
                verify: [{id: ok, kind: http, status: 200}]
          - id: child
            needs: [each]
            system: {run: {plan: ../child.yaml, inputs: {name: "{{ steps.each.status }}"}}}
          - id: nap
            system: {sleep: 0s}
          - id: post
            http: {method: POST, url: "https://example.test/", json: {yes: on, n: null, f: 1.5}, redirects: 2}
            effects: idempotent
            preconditions: [{id: there, kind: checksum, file: a.txt, record: sha256}]
            artifacts: [{file: "out-{{ run.id }}.txt", name: out, type: text/plain}]
            rollback:
              - shell: {argv: [undo, "{{ outputs.id }}"]}
                verify: [{id: undone, kind: shell, exit: 3, match: done}]
                timeout: 5m
            outputs: {id: "{{ result.json.id }}"}

        """

    private static func template(_ source: JSONValue) throws -> Template {
        try Template(parsing: source)
    }

    private static func step(_ id: String) throws -> Step {
        let plan = try Fixtures.compile(self.corners).plan
        return try #require(plan.steps.first { $0.id == id })
    }

    @Test("the top level is read with its defaults")
    func top() throws {
        let compiled = try Fixtures.compile(Self.corners)
        let plan = compiled.plan
        #expect(plan.name == "corners")
        #expect(plan.version == "1.0")
        #expect(plan.title == "It's all: here")
        #expect(
            plan.source
                == .object(["kind": .string("x"), "n": .array([.integer(1), .number(2.5)])])
        )
        #expect(plan.maxParallel == 4)
        #expect(plan.timeoutMilliseconds == 7_200_000)
        #expect(plan.retry == RetryPolicy(maxAttempts: 1))
        #expect(plan.secrets == ["PG_DSN", "TOKEN"])
        #expect(plan.environment == ["HOME"])
        #expect(
            plan.outputs == ["total": try Self.template(.string("{{ steps.count.outputs.n }}"))]
        )
        #expect(plan.steps.map(\.id) == ["count", "serve", "each", "child", "nap", "post"])
        #expect(compiled.warnings == [])
    }

    @Test("yes, no, on, dates stay text; 0x10 and 1e3 are numbers")
    func scalars() throws {
        let plan = try Fixtures.compile(Self.corners).plan
        let answer = try #require(plan.inputs["answer"])
        #expect(answer.allowed == [.string("yes"), .string("no"), .string("on")])
        #expect(answer.fallback == .string("no"))
        #expect(plan.inputs["count"]?.fallback == .integer(16))
        #expect(plan.inputs["ratio"]?.fallback == .integer(1_000))
        #expect(try Self.step("each").title == "no")
        guard case .http(let http) = try Self.step("post").action, case .json(let body)? = http.body
        else { return #expect(Bool(false), "no JSON body") }
        #expect(body.source == .object(["yes": .string("on"), "n": .null, "f": .number(1.5)]))
        #expect(http.redirectsMax == 2)
        guard case .shell(let shell) = try Self.step("serve").action else {
            return #expect(Bool(false), "no program")
        }
        let words: [JSONValue] = ["httpd", "-p", "8080", "on", "2026-11-21"].map { .string($0) }
        #expect(shell.argv.map(\.source) == words + [.string("{{ inputs.count }}")])
    }

    @Test("effects follow from the action unless the step says otherwise")
    func effects() throws {
        let plan = try Fixtures.compile(Self.corners).plan
        let effects = plan.steps.map(\.effects)
        #expect(effects == [.none, .idempotent, .none, .idempotent, .none, .idempotent])
        func effect(_ action: String) throws -> Effects {
            try Fixtures.compile(Fixtures.plan("steps: [{id: a, \(action)}]\n")).plan.steps[0]
                .effects
        }
        #expect(try effect("http: {url: 'http://x/', method: HEAD}") == .none)
        #expect(try effect("http: {url: 'http://x/', method: PUT}") == .destructive)
        #expect(try effect("sql: {dsn: scratch, query: 'with x as (select 1) table x'}") == .none)
        #expect(try effect("sql: {dsn: scratch, query: truncate t}") == .destructive)
        #expect(try effect("sql: {dsn: scratch, file: a.sql}") == .destructive)
        #expect(try effect("shell: {argv: [ls]}") == .destructive)
        #expect(try effect("shell: {argv: [ls]}, effects: none") == .none)
    }

    @Test("defaults apply only to steps that say nothing")
    func defaults() throws {
        #expect(try Self.step("count").timeoutMilliseconds == 60_000)
        #expect(try Self.step("count").retry == RetryPolicy(maxAttempts: 2))
        #expect(try Self.step("each").timeoutMilliseconds == 1_500)
        let plan = try Fixtures.compile(Fixtures.plan("steps: [{id: a, shell: {argv: [ls]}}]\n"))
            .plan
        #expect(
            plan.steps[0]
                == Step(
                    id: "a",
                    action: .shell(ShellAction(argv: [try Self.template(.string("ls"))]))
                )
        )
        #expect(plan.retry == .runDefault)
        #expect(plan.maxParallel == 8)
    }

    @Test(
        "a fan_out runs a plan for each item: idempotent, with a child's time, item in its inputs"
    )
    func childrenOfItems() throws {
        let compiled = try Fixtures.compile(
            Fixtures.plan(
                """
                steps:
                  - id: each
                    system:
                      fan_out:
                        over: [a, b]
                        max_parallel: 20
                        run: {plan: ../child.yaml, inputs: {name: "{{ item }}"}}

                """
            )
        )
        let step = compiled.plan.steps[0]
        guard case .fanOut(let fan) = step.action, case .run(let child) = fan.action else {
            return #expect(Bool(false), "no child for each item")
        }
        #expect(fan.runsPlan && fan.maxParallel == 20 && fan.verify.isEmpty)
        #expect(child.inputs == ["name": try Self.template(.string("{{ item }}"))])
        #expect(compiled.children.map(\.digest.description) == [child.planDigest])
        #expect(step.effects == .idempotent && step.timeoutMilliseconds == 86_400_000)
    }

    @Test("verifiers are read with everything they expect")
    func verifiers() throws {
        let up = try #require(try Self.step("serve").verify.first)
        let expected = HTTPCheck(
            request: HTTPAction(
                url: try Self.template(.string("http://127.0.0.1:8080/{{ run.id }}"))
            ),
            statuses: [200, 204],
            headers: ["content-type": try Self.template(.string("text/html"))],
            bodyMatch: "^ok( .*)?$",
            pointers: [
                "/a/0": try Self.template(.string("{{ inputs.ratio }}")), "": .literal(.null),
            ]
        )
        #expect(up.check == .http(expected))
        #expect(
            up.retry
                == RetryPolicy(
                    maxAttempts: 10,
                    backoffMilliseconds: 100,
                    when: [.serverError, .network]
                )
        )
        let count = try Self.step("count").verify
        #expect(count[0].check == .sql(SQLCheck(rowCount: 1)))
        #expect(count[1].check == .custom(assert: try Expression(parsing: "outputs.n >= 0")))
        #expect(!count[1].required)
        #expect(count[1].timeoutMilliseconds == 5_000)
        let undo = try #require(try Self.step("post").rollback.first)
        #expect(undo.verify.first?.check == .shell(ShellCheck(exit: 3, stdoutMatch: "done")))
        #expect(undo.timeoutMilliseconds == 300_000)
    }

    @Test("a child plan is compiled too and named by its digest")
    func child() throws {
        let compiled = try Fixtures.compile(Self.corners)
        let child = try #require(compiled.children.first)
        #expect(compiled.children.count == 1)
        #expect(child.plan.name == "child")
        let expected = ChildRunAction(
            planDigest: child.digest.description,
            planName: "child",
            inputs: ["name": try Self.template(.string("{{ steps.each.status }}"))]
        )
        #expect(try Self.step("child").action == .run(expected))
    }

    @Test("the canonical bytes hold the whole plan and name it")
    func canonical() throws {
        let compiled = try Fixtures.compile(Self.corners)
        let again = try JSONValue(parsing: compiled.canonicalBytes).decode(Plan.self)
        #expect(again == compiled.plan)
        #expect(compiled.digest == Digest(of: compiled.canonicalBytes))
        #expect(try again.canonicalBytes() == compiled.canonicalBytes)
    }

    @Test("how a plan is written does not change its digest")
    func digest() throws {
        let block = Fixtures.plan(
            "steps:\n  - id: a\n    shell:\n      argv:\n        - echo\n        - 'x y'\n"
        )
        let aliased = Fixtures.plan(
            "# a comment\nsteps:\n- timeout: 10m\n  shell: {\"argv\": [\"echo\", x y]}\n  id: a\n"
        )
        let json = """
            {"steps": [{"shell": {"argv": ["echo", "x\\u0020y"]}, "id": "a"}],
             "metadata": {"name": "p"}, "kind": "Plan", "apiVersion": "pulser/v1"}
            """
        let digests = try [block, aliased, json].map { try Fixtures.compile($0).digest }
        #expect(Set(digests).count == 1)
        let other = block.replacing("x y", with: "x  y")
        #expect(try Fixtures.compile(other).digest != digests[0])
    }

    @Test("an alias stands for its anchor's value")
    func alias() throws {
        let text = Fixtures.plan(
            """
            steps:
              - id: a
                shell: {argv: [a], env: &env {LANG: C}}
                retry: &retry
                  max_attempts: 7
              - id: b
                shell:
                  argv: [b]
                  env: *env
                retry: *retry

            """
        )
        let steps = try Fixtures.compile(text).plan.steps
        #expect(steps[1].retry?.maxAttempts == 7)
        guard case .shell(let shell) = steps[1].action else { return #expect(Bool(false)) }
        #expect(shell.environment == ["LANG": try Self.template(.string("C"))])
    }

    @Test("an unused variable is a warning, not an error")
    func warning() throws {
        let compiled = try Fixtures.compile(
            Fixtures.plan("env: [HOME]\nsteps: [{id: a, system: {sleep: 1s}}]\n")
        )
        #expect(
            compiled.warnings.map(\.description)
                == [
                    "plan.yaml:4:7: warning: variable 'HOME' is never used; hint: remove it, or read it as env.HOME"
                ]
        )
    }

    @Test("a random plan written down compiles to itself, as JSON and as YAML")
    func randomPlans() throws {
        for seed in UInt64(1)...150 {
            let plan = RandomPlan(seed: seed).plan
            for text in [PlanText.json(plan), PlanText.yaml(plan)] {
                do throws(CompileError) {
                    let compiled = try Fixtures.compile(text)
                    #expect(compiled.plan == plan, "seed \(seed)")
                } catch {
                    Issue.record("seed \(seed): \(error)\n\(text)")
                }
            }
        }
    }
}
