// What can be found out about a node from outside, one finding after the other.

import ControlRoom
import Foundation
import HTTPTypes
import PulserIR

/// Examines a node over the network.
struct RemoteDoctor: Sendable {
    let connection: RemoteConnection

    /// Clocks further apart than this make times confusing and certificates fail.
    private static let skewMax: TimeInterval = 30

    /// Makes all checks; each is a finding, good or bad.
    func examine() async -> [Doctor.Finding] {
        let url = self.connection.access.url
        var findings: [Doctor.Finding] = []
        let ready: RemoteAnswer
        do {
            ready = try await self.connection.send(
                RemoteRequest(path: ["readyz"], root: "/", isLenient: true)
            )
        } catch {
            return [Self.failure("server", error)]
        }
        findings.append(Self.finding(.ok, "server", "\(url) answers"))
        findings.append(Self.readiness(ready))
        findings.append(Self.clock(ready.head))
        findings.append(await self.token())
        findings.append(await self.nodes())
        return findings
    }

    private static func readiness(_ answer: RemoteAnswer) -> Doctor.Finding {
        let isReady = answer.head.status.code < 300
        let json = try? answer.json()
        let reasons = (json?["reasons"] ?? json?["checks"])?.arrayValue ?? []
        let texts = reasons.compactMap { $0.stringValue ?? $0["reason"]?.stringValue }
        let detail = json?["detail"]?.stringValue
        let why = texts.isEmpty ? detail ?? "it does not say why" : texts.joined(separator: "; ")
        return Self.finding(
            isReady ? .ok : .fail,
            "readiness",
            isReady ? "takes work" : "takes no work: \(why)",
            fix: isReady ? nil : "opsroom doctor"
        )
    }

    private static func clock(_ head: HTTPResponse) -> Doctor.Finding {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "GMT")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        guard let text = head.headerFields[.date], let date = format.date(from: text) else {
            return Self.finding(.warn, "clock", "the server does not say what time it has")
        }
        let skew = date.timeIntervalSinceNow
        let size = Wording.duration(milliseconds: Int64(abs(skew) * 1_000))
        guard abs(skew) > Self.skewMax else {
            return Self.finding(.ok, "clock", "agrees with this machine's")
        }
        let word = skew > 0 ? "ahead of" : "behind"
        return Self.finding(
            .warn,
            "clock",
            "the server's is \(size) \(word) this machine's",
            fix: "timedatectl status"
        )
    }

    private func token() async -> Doctor.Finding {
        do {
            let me = try await self.connection.get(["me"])
            let scope = me["scope"]?.stringValue ?? "nothing"
            let name = me["name"]?.stringValue ?? "?"
            return Self.finding(.ok, "token", "'\(name)' may \(scope)")
        } catch {
            return Self.failure("token", error)
        }
    }

    private func nodes() async -> Doctor.Finding {
        do {
            let nodes = try await RemoteAccess(connection: self.connection).nodes()
            let live = nodes.filter {
                $0["status"]?.stringValue == "active" && $0["lease_ms"]?.integerValue ?? 0 > 0
            }
            let words = live.map {
                "\($0["name"]?.stringValue ?? "?") with \($0["shards"]?.integerValue ?? 0) shards"
            }
            return Self.finding(
                live.isEmpty ? .fail : .ok,
                "nodes",
                live.isEmpty ? "none works now" : words.joined(separator: ", "),
                fix: live.isEmpty ? "opsroom up" : nil
            )
        } catch {
            return Self.failure("nodes", error)
        }
    }

    private static func failure(_ subject: String, _ error: any Error) -> Doctor.Finding {
        let told = (error as? Failure)?.error ?? error as? RoomError
        return Self.finding(
            .fail,
            subject,
            told?.message ?? "\(error)",
            fix: told?.next ?? "opsroom context show --origin"
        )
    }

    private static func finding(
        _ level: Doctor.Level,
        _ subject: String,
        _ message: String,
        fix: String? = nil
    ) -> Doctor.Finding {
        Doctor.Finding(level: level, subject: subject, message: message, fix: fix)
    }
}
