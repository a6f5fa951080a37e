// `opsroom doctor`: whether this machine can run a room, and what to do where not.

import ArgumentParser
import ControlRoom
import PulserIR

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check this machine and the room; exit 2 on findings.",
        discussion: """
            Examples:
              opsroom doctor
              opsroom doctor --data /var/lib/opsroom/n2 -o json
              opsroom doctor --server https://ops.example
            """
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
        let findings: [Doctor.Finding]
        if let server = try self.place.choice.resolve() {
            findings = try await RemoteConnection.open(server, logger: self.place.logger) {
                await RemoteDoctor(connection: $0).examine()
            }
        } else {
            let configuration = try self.place.configuration()
            findings = await Doctor(room: self.place.room(configuration)).examine()
        }
        if self.output.output == .table {
            for (number, finding) in findings.enumerated() {
                let (sign, style) = Wording.sign(finding.level.rawValue)
                let place = String(number + 1)
                Terminal.output.line(
                    "\(place.count < 2 ? " " : "")\(place)  \(Terminal.output.styled(sign, style)) "
                        + "\(finding.subject): \(finding.message)"
                )
                if let fix = finding.fix { Terminal.output.line("      Next:  \(fix)") }
            }
        } else {
            self.output.printJSON(
                "findings",
                findings.map { finding in
                    .object([
                        "level": .string(finding.level.rawValue),
                        "subject": .string(finding.subject),
                        "message": .string(finding.message),
                        "fix": finding.fix.map { .string($0) } ?? .null,
                    ])
                }
            )
        }
        if findings.contains(where: { $0.level == .fail }) { throw ExitCode(2) }
    }
}
