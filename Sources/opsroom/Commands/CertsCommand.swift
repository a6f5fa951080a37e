// `opsroom certs`: a cluster's own authority, and the certificates of its nodes.

import ArgumentParser
import ControlRoom
import Foundation
import PulserIR

struct CertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certs",
        abstract: "A private authority for a cluster, and the certificates of its nodes.",
        discussion: """
            Works on files alone, without a node. The authority's key signs for the whole cluster and
            belongs on no node; nodes need ca.pem and their own pair. Running nodes see a renewed
            certificate within ten seconds.

            Examples:
              opsroom certs ca --out ca
              opsroom certs node n1 --ca ca --host n1.example --host 10.0.0.11 --out n1
              opsroom certs show n1/n1.pem
              opsroom certs renew n1/n1.pem --ca ca
            """,
        subcommands: [Authority.self, Node.self, Client.self, Show.self, Renew.self]
    )

    struct Authority: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ca",
            abstract: "Make the authority: ca.pem, and ca.key that only you can read.",
            discussion: """
                Example:
                  opsroom certs ca --out ca --name 'Ops of Example'
                """
        )

        @Option(help: "Its name for people.") var name = "opsroom"
        @Option(help: "How many days it holds.") var days = CertificateAuthority.days
        @OptionGroup var target: CertsTarget
        @OptionGroup var output: OutputOptions

        func validate() throws { try CertsCommand.check(days: self.days) }

        func run() throws {
            let folder = CertificateFolder(self.target.out)
            try folder.makeAuthority(
                name: self.name,
                days: self.days,
                isReplacing: self.target.force
            )
            try CertsCommand.tell(
                folder.file(CertificateFolder.authorityFile),
                self.output,
                next: "opsroom certs node n1 --ca \(ShellWord.quoted(folder.path)) "
                    + "--host localhost --out n1"
            )
        }
    }

    struct Node: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "node",
            abstract: "Make a node's key and certificate.",
            discussion: """
                The certificate carries the node's name and its hosts; it serves, and it calls other
                nodes. Its file brings the authority's certificate, which is also put beside it.

                Example:
                  opsroom certs node n1 --ca ca --host n1.example --host 10.0.0.11 --out n1
                """
        )

        @Argument(help: "The node's name.") var name: String
        @Option(
            name: .customLong("host"),
            help: ArgumentHelp(
                "A DNS name or address by which it is reached; repeat for more.",
                valueName: "host"
            )
        )
        var hosts: [String]
        @OptionGroup var order: CertsOrder
        @OptionGroup var target: CertsTarget
        @OptionGroup var output: OutputOptions

        func run() throws {
            let path = try self.order.write(
                try CertificateHolder(node: self.name, hosts: self.hosts),
                self.target
            )
            let key = String(path.dropLast(4)) + ".key"
            try CertsCommand.tell(
                path,
                self.output,
                next: "opsroom up --tls-cert \(ShellWord.quoted(path)) "
                    + "--tls-key \(ShellWord.quoted(key))"
            )
        }
    }

    struct Client: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "client",
            abstract: "Make the key and certificate of somebody who calls nodes.",
            discussion: """
                For nodes that ask for client certificates (--client-ca). It makes nobody a node.

                Example:
                  opsroom certs client ana --ca ca --out ana
                """
        )

        @Argument(help: "Who calls.") var name: String
        @OptionGroup var order: CertsOrder
        @OptionGroup var target: CertsTarget
        @OptionGroup var output: OutputOptions

        func run() throws {
            let path = try self.order.write(
                try CertificateHolder(client: self.name),
                self.target
            )
            let key = String(path.dropLast(4)) + ".key"
            let authority = CertificateFolder(self.target.out).file(
                CertificateFolder.authorityFile
            )
            try CertsCommand.tell(
                path,
                self.output,
                next: "opsroom context add NAME --server URL --ca \(ShellWord.quoted(authority)) "
                    + "--certificate \(ShellWord.quoted(path)) --key \(ShellWord.quoted(key))"
            )
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "For whom certificates are, who signed them, and how long they hold.",
            discussion: """
                Exits with 2 when one of them has expired.

                Example:
                  opsroom certs show n1/*.pem
                """
        )

        @Argument(help: "The files.", completion: .file()) var files: [String]
        @OptionGroup var output: OutputOptions

        func run() throws {
            let reports = try self.files.map { try CertificateReport(reading: $0) }
            if self.output.output == .table {
                CertsCommand.table(reports).print()
            } else {
                self.output.printJSON("certificates", reports.map(\.json))
            }
            if reports.contains(where: { $0.isExpired() }) {
                throw ExitCode(RoomError.Code.badResult.rawValue)
            }
        }
    }

    struct Renew: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "renew",
            abstract: "Sign certificates once more: the same names and keys, a later end.",
            discussion: """
                Only the certificate's file changes, so it needs no key of a node. For a new key make
                the certificate again, with --force. A renewed ca.pem goes to every node and client
                before the old one ends; what it signed stays valid.

                Examples:
                  opsroom certs renew n1/n1.pem n2/n2.pem --ca ca
                  opsroom certs renew ca/ca.pem --ca ca
                """
        )

        @Argument(help: "The certificates.", completion: .file()) var files: [String]
        @Option(
            help: ArgumentHelp("The authority's folder.", valueName: "folder"),
            completion: .directory
        )
        var ca: String
        @Option(help: "How many days (an authority 3650, others 365).") var days: Int?
        @OptionGroup var output: OutputOptions

        func validate() throws { try CertsCommand.check(days: self.days ?? 1) }

        func run() throws {
            let authority = try CertificateFolder(self.ca).authority()
            // All are signed before the first one is replaced.
            let texts = try self.files.map { path throws(RoomError) in
                try authority.renew(path, days: self.days)
            }
            for (path, text) in zip(self.files, texts) {
                try CertificateFolder.replace(path, with: text)
            }
            let reports = try self.files.map { try CertificateReport(reading: $0) }
            guard self.output.output == .table else {
                return self.output.printJSON("certificates", reports.map(\.json))
            }
            CertsCommand.table(reports).print()
        }
    }

    /// Says what was made, and what to do with it.
    fileprivate static func tell(_ path: String, _ output: OutputOptions, next: String) throws {
        let report = try CertificateReport(reading: path)
        guard output.output == .table else { return output.printJSON(report.json) }
        let names = report.names.isEmpty ? "" : ", for \(report.names.joined(separator: ", "))"
        Terminal.output.line(
            Terminal.output.styled("✓", .green)
                + " \(report.kind.rawValue) \(report.name): \(path), valid until "
                + "\(CertificateReport.day(report.end))\(names)"
        )
        Terminal.error.line(Terminal.error.styled("Next:  \(next)", .dim))
    }

    fileprivate static func table(_ reports: [CertificateReport]) -> Table {
        var table = Table(headers: [
            "FILE", "KIND", "NAME", "VALID UNTIL", "LEFT", "SIGNED BY", "NAMES",
        ])
        table.rows = reports.map {
            [
                $0.path, $0.kind.rawValue, $0.name, CertificateReport.day($0.end), Self.left($0),
                $0.issuer, $0.names.joined(separator: ", "),
            ]
        }
        table.style = { column, text in
            guard column == 4 else { return nil }
            return text.hasPrefix("✗") ? .red : text.hasPrefix("!") ? .yellow : .green
        }
        return table
    }

    /// What remains of its time; the last 30 days are said as a warning.
    private static func left(_ report: CertificateReport) -> String {
        let days = report.daysLeft()
        return report.isExpired() ? "✗ expired" : "\(days < 30 ? "!" : "✓") \(days) d"
    }

    fileprivate static func check(days: Int) throws {
        guard (1...36_500).contains(days) else {
            throw ValidationError("--days must be a number from 1 to 36500")
        }
    }
}

/// Where new files go.
struct CertsTarget: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where the files go.", valueName: "folder"),
        completion: .directory
    )
    var out: String

    @Flag(help: "Replace files that are there.") var force = false
}

/// Who signs, and for how long.
struct CertsOrder: ParsableArguments {
    @Option(
        help: ArgumentHelp("The authority's folder.", valueName: "folder"),
        completion: .directory
    )
    var ca: String

    @Option(help: "How many days it holds.") var days = CertificateAuthority.leafDays

    func validate() throws { try CertsCommand.check(days: self.days) }

    /// Signs and writes; gives the certificate's path.
    func write(_ holder: CertificateHolder, _ target: CertsTarget) throws -> String {
        let authority = try CertificateFolder(self.ca).authority()
        let folder = CertificateFolder(target.out)
        try folder.write(
            try authority.issue(holder, days: self.days),
            as: holder.name,
            signedBy: authority,
            isReplacing: target.force
        )
        return folder.file("\(holder.name).pem")
    }
}

extension CertificateReport {
    /// The shape that `-o json` promises.
    var json: JSONValue {
        .object([
            "file": .string(self.path), "kind": .string(self.kind.rawValue),
            "name": .string(self.name), "signed_by": .string(self.issuer),
            "names": .array(self.names.map { .string($0) }),
            "valid_from": .string(self.begin.formatted(.iso8601)),
            "valid_until": .string(self.end.formatted(.iso8601)),
            "days_left": .integer(Int64(self.daysLeft())),
        ])
    }
}
