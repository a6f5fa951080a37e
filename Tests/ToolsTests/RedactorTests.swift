// Which forms of a secret never leave the tools.

import FoundationEssentials
import PulserIR
import Testing

@testable import Tools

@Suite("The redactor")
struct RedactorTests {
    @Test(
        "a secret is found in every form it may take",
        arguments: [
            "p@ss \"w/rd\"", "p%40ss%20%22w%2Frd%22", "p%40ss%20%22w%2frd%22",
            "p%40ss+%22w%2Frd%22",
            "p@ss \\\"w/rd\\\"", "p@ss \\\"w\\/rd\\\"",
            Data("p@ss \"w/rd\"".utf8).base64EncodedString(),
            Data("u:p@ss \"w/rd\"".utf8).base64EncodedString(),
            Data("x:p@ss \"w/rd\"!".utf8).base64EncodedString(),
            Data("xy:p@ss \"w/rd\"!!".utf8).base64EncodedString(),
        ]
    )
    func forms(_ form: String) {
        let redactor = Redactor(secrets: ["PW": "p@ss \"w/rd\""])
        let text = redactor.redact("before \(form) after")
        #expect(text.contains("«secret PW»"))
        #expect(!text.contains(form))
        #expect(text.hasPrefix("before ") && text.hasSuffix(" after"))
    }

    @Test("short values are left alone, the longer of two overlapping secrets is named")
    func lengths() {
        let redactor = Redactor(secrets: ["A": "12345", "B": "abcdef", "C": "abcdefghij"])
        #expect(redactor.redact("12345 abcdef abcdefghij") == "12345 «secret B» «secret C»")
        #expect(redactor.redact("xabcdefabcdefghijy") == "x«secret B»«secret C»y")
    }

    @Test("the lines of a key and the password of a DSN are secrets too")
    func parts() {
        let redactor = Redactor(secrets: [
            "KEY": "-----BEGIN-----\nMIIEvQIBADANBg\n-----END-----",
            "DSN": "postgres://app:s3cretpw@db.internal/x",
            "DSN2": "host=db password='other-pw' user=app",
        ])
        #expect(redactor.redact("key MIIEvQIBADANBg!") == "key «secret KEY»!")
        #expect(redactor.redact("pw s3cretpw, other-pw") == "pw «secret DSN», «secret DSN2»")
        #expect(redactor.redact("db.internal") == "db.internal")
    }

    @Test("values are searched in texts, keys and numbers")
    func values() {
        let redactor = Redactor(secrets: ["T": "token-1", "N": "12345678"])
        let value = JSONValue.object([
            "token-1": .array([.string("a token-1 b"), .integer(12_345_678), .integer(7)])
        ])
        #expect(
            redactor.redact(value)
                == .object([
                    "«secret T»": .array([
                        .string("a «secret T» b"), .string("«secret N»"), .integer(7),
                    ])
                ])
        )
    }
}
