// Every Swift file keeps every rule, and every rule finds what it forbids.

import Testing

extension Rule {
    /// Every rule about single Swift files.
    static let all: [Rule] = [
        .arrows, .foundation, .wrappers, .fileLength, .functionLength, .firstLine, .names, .safety,
        .statements, .printing, .traps, .metricPlaces, .titles, .sleeps,
    ]
}

@Suite("Rules for Swift files")
struct RuleTests {
    @Test("every Swift file of the repository keeps the rule", arguments: Rule.all)
    func repository(_ rule: Rule) {
        let files = Repository.swiftFiles.filter { rule.covers($0.path) }
        #expect(files.count > 20, "the repository's files were not found")
        report(files.filter { !rule.excepts($0.path) }.flatMap(rule.find))
    }

    @Test("a rule finds each of its samples, and nothing in what is allowed", arguments: Rule.all)
    func samples(_ rule: Rule) {
        #expect(!rule.violations.isEmpty, "a rule without a sample may never fail")
        for sample in rule.violations {
            #expect(rule.covers(sample.path))
            #expect(!rule.find(sample.file).isEmpty, "not found: \(sample.text)")
        }
        for sample in rule.allowed {
            #expect(rule.find(sample.file).isEmpty, "found, but allowed: \(sample.text)")
        }
    }

    @Test("an exception is still needed and says why", arguments: Rule.all)
    func exceptions(_ rule: Rule) {
        for exception in rule.exceptions {
            let files = Repository.swiftFiles.filter { Rule.covers(exception, $0.path) }
            #expect(!exception.reason.isEmpty)
            #expect(
                files.contains { !rule.find($0).isEmpty },
                "remove the exception for \(exception.path): the rule holds there"
            )
        }
    }
}
