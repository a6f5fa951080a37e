// Decides what the Kubernetes manifests must keep to: names that fit, enough time to stop, probes that ask for routes.

import ControlRoom
import Foundation
import PulserIR
import Testing

extension SystemTests {
    @Suite struct Kubernetes {
        /// The only manifest of a kind.
        private static func one(_ kind: String, named name: String? = nil) throws -> JSONValue {
            let all = try DeploymentFiles.manifests(kind).filter {
                name == nil || $0["metadata"]?["name"]?.stringValue == name
            }
            return try #require(all.count == 1 ? all[0] : nil, "one \(kind)")
        }

        private static func pod() throws -> JSONValue {
            try #require(try Self.one("StatefulSet")["spec"]?["template"]?["spec"])
        }

        private static func container() throws -> JSONValue {
            try #require(try Self.pod()["containers"]?[0])
        }

        /// The container's variables as the pod opsroom-1 has them.
        private static func environment() throws -> [String: String] {
            var environment: [String: String] = [:]
            for variable in try Self.container()["env"]?.arrayValue ?? [] {
                let name = try #require(variable["name"]?.stringValue)
                if let value = variable["value"]?.stringValue {
                    // Only what stands before it is known to it.
                    environment[name] = value.replacing(/\$\(([A-Z_]+)\)/) {
                        environment[String($0.1)] ?? "UNKNOWN"
                    }
                    continue
                }
                let source = variable["valueFrom"]
                switch source?["fieldRef"]?["fieldPath"]?.stringValue {
                case "metadata.name": environment[name] = "opsroom-1"
                case "metadata.labels['topology.kubernetes.io/zone']": environment[name] = "z"
                case nil where source?["secretKeyRef"] != nil:
                    environment[name] = "postgres://opsroom@db/opsroom"
                default: Issue.record("\(name) comes from nowhere")
                }
            }
            return environment
        }

        @Test("a pod's settings can be used, and are its own where nodes differ")
        func settings() throws {
            let environment = try Self.environment()
            for name in environment.keys {
                #expect(DeploymentFiles.variables.contains(name), "\(name)")
            }
            for value in environment.values { #expect(!value.contains("UNKNOWN"), "\(value)") }
            let settings = try DeploymentFiles.settings(file: "kubernetes/node.toml", environment)
            let (room, listen) = (settings.room, settings.listen)
            #expect(settings.problems == [])
            try listen?.check()
            #expect(room.nodeName == "opsroom-1")
            #expect(listen?.certificate?.hasSuffix("/opsroom-1.pem") == true)
            #expect(listen?.key?.hasSuffix("/opsroom-1.key") == true)
            // The name of the pod in the service without an address.
            let set = try Self.one("StatefulSet")
            let nodes = try #require(set["spec"]?["serviceName"]?.stringValue)
            #expect(settings.peers?.endpoint == "opsroom-1.\(nodes):7461" && room.zone == "z")
            #expect(try Self.one("Service", named: nodes)["spec"]?["clusterIP"] == "None")
            // Everything that a setting names is mounted there; the data directory can be written.
            let mounts = try Self.container()["volumeMounts"]?.arrayValue ?? []
            let places = Dictionary(
                mounts.map { ($0["mountPath"]?.stringValue ?? "", $0["readOnly"] == .bool(true)) },
                uniquingKeysWith: { $1 }
            )
            let config = environment[SettingsFile.variable]
            for path in [
                config, listen?.certificate, listen?.key, listen?.firstToken,
                settings.peers?.authority,
            ] {
                let folder = URL(fileURLWithPath: path ?? "").deletingLastPathComponent().path
                #expect(places[folder] == true, "\(path ?? "")")
            }
            #expect(places["/var/lib/opsroom"] == false && places["/tmp"] == false)
            // The file is the one that the kustomization takes in.
            let names = try DeploymentFiles.documents("kubernetes/kustomization.yaml").first
            let map = names?["configMapGenerator"]?[0]
            #expect(map?["files"]?[0]?.stringValue == "node.toml")
            #expect(config?.hasSuffix("/node.toml") == true)
        }

        @Test(
            "what a manifest names is declared: volumes, ports, labels, files; secrets in README.md"
        )
        func names() throws {
            let pod = try Self.pod()
            let set = try #require(try Self.one("StatefulSet")["spec"])
            let volumes = (pod["volumes"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
            let claims = (set["volumeClaimTemplates"]?.arrayValue ?? []).compactMap {
                $0["metadata"]?["name"]?.stringValue
            }
            let container = try Self.container()
            let mounts = (container["volumeMounts"]?.arrayValue ?? []).compactMap {
                $0["name"]?.stringValue
            }
            #expect(mounts.sorted() == (volumes + claims).sorted())
            let ports = (container["ports"]?.arrayValue ?? []).compactMap {
                $0["name"]?.stringValue
            }
            for service in try DeploymentFiles.manifests("Service") {
                for port in service["spec"]?["ports"]?.arrayValue ?? [] {
                    #expect(ports.contains(port["targetPort"]?.stringValue ?? ""))
                }
                #expect(service["spec"]?["selector"] == Self.labels)
            }
            #expect(set["selector"]?["matchLabels"] == Self.labels)
            #expect(set["template"]?["metadata"]?["labels"] == Self.labels)
            let (disruption, network) = try (
                Self.one("PodDisruptionBudget"), Self.one("NetworkPolicy")
            )
            #expect(disruption["spec"]?["selector"]?["matchLabels"] == Self.labels)
            #expect(disruption["spec"]?["maxUnavailable"] == .integer(1))
            #expect(network["spec"]?["podSelector"]?["matchLabels"] == Self.labels)
            let spread = pod["topologySpreadConstraints"]?[0]
            #expect(spread?["topologyKey"] == "topology.kubernetes.io/zone")
            #expect(spread?["labelSelector"]?["matchLabels"] == Self.labels)
            let apart = pod["affinity"]?["podAntiAffinity"]?[
                "requiredDuringSchedulingIgnoredDuringExecution"
            ]?[0]
            #expect(apart?["topologyKey"] == "kubernetes.io/hostname")
            #expect(apart?["labelSelector"]?["matchLabels"] == Self.labels)
            let kustomization = try DeploymentFiles.documents("kubernetes/kustomization.yaml").first
            let listed = (kustomization?["resources"]?.arrayValue ?? []).compactMap(\.stringValue)
            let there = DeploymentFiles.names(ending: ".yaml").filter {
                $0.hasPrefix("kubernetes/") && !$0.hasSuffix("kustomization.yaml")
            }
            #expect(listed.sorted().map { "kubernetes/\($0)" } == there)
            let page = try DeploymentFiles.text("README.md")
            let secrets = try DeploymentFiles.text("kubernetes/statefulset.yaml")
                .matches(of: /secretName: ([a-z-]+)|secretKeyRef: \{name: ([a-z-]+)/)
                .compactMap { $0.1 ?? $0.2 }
            #expect(secrets.count == 3)
            for secret in secrets { #expect(page.contains("generic \(secret) "), "\(secret)") }
        }

        private static let labels = JSONValue.object(["app.kubernetes.io/name": "opsroom"])

        @Test("a pod has longer to stop than preStop and the drain may take together")
        func grace() throws {
            let grace = try #require(try Self.pod()["terminationGracePeriodSeconds"]?.integerValue)
            let command = try Self.preStop()
            let limit = try #require(command.last?.firstMatch(of: /--timeout (\d+)s/)?.1)
            let room = try DeploymentFiles.settings(file: "kubernetes/node.toml").room
            let needed = DeploymentFiles.stopMax(room) + .seconds(try #require(Int(limit)))
            #expect(.seconds(grace) > needed)
            #expect(try Self.container()["args"]?[0] == "node")
        }

        /// What a pod does before it is told to stop.
        static func preStop() throws -> [String] {
            let hook = try Self.container()["lifecycle"]?["preStop"]?["exec"]?["command"]
            return hook?.arrayValue?.compactMap(\.stringValue) ?? []
        }

        /// The paths that probes ask for.
        static func probes() throws -> [String] {
            try ["startupProbe", "livenessProbe", "readinessProbe"].map { name in
                let ask = try Self.container()[name]?["httpGet"]
                return try #require(ask?["path"]?.stringValue, "\(name)")
            }
        }

        @Test("probes ask over TLS, the database is readiness alone, and slow is not dead")
        func probes() throws {
            #expect(try Self.probes() == ["/healthz", "/healthz", "/readyz"])
            let container = try Self.container()
            for name in ["startupProbe", "livenessProbe", "readinessProbe"] {
                let probe = try #require(container[name])
                #expect(probe["httpGet"]?["scheme"] == "HTTPS")
                #expect(probe["httpGet"]?["port"] == "api")
                // The node itself gives the database 2 s.
                #expect(probe["timeoutSeconds"]?.integerValue ?? 1 > 2, "\(name)")
            }
            let live = container["livenessProbe"]
            let patience =
                (live?["periodSeconds"]?.integerValue ?? 0)
                * (live?["failureThreshold"]?.integerValue ?? 0)
            #expect(patience >= 60)
        }

        @Test("a pod runs as nobody, and writes only to its volumes")
        func rights() throws {
            let pod = try Self.pod()
            #expect(pod["securityContext"]?["runAsNonRoot"] == .bool(true))
            // The user of the image.
            #expect(pod["securityContext"]?["runAsUser"] == .integer(10_001))
            #expect(pod["securityContext"]?["fsGroup"] == .integer(10_001))
            #expect(pod["shareProcessNamespace"] == .bool(true))
            #expect(pod["automountServiceAccountToken"] == .bool(false))
            let rights = try Self.container()["securityContext"]
            #expect(rights?["readOnlyRootFilesystem"] == .bool(true))
            #expect(rights?["allowPrivilegeEscalation"] == .bool(false))
            #expect(rights?["capabilities"]?["drop"] == .array(["ALL"]))
            for volume in pod["volumes"]?.arrayValue ?? [] {
                guard let secret = volume["secret"] else { continue }
                // A token that everybody can read is refused by the node.
                #expect(secret["defaultMode"] == .integer(0o440), "\(volume)")
            }
        }
    }
}
