// swift-tools-version: 6.2
// Which modules exist and what each may import: the arrows of Sources/README.md, checked by TidyTests.

import PackageDescription

/// What every target of ours is compiled with; a warning is an error.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let swiftASN1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
    name: "ops-control-room",
    products: [
        .executable(name: "opsroom", targets: ["opsroom"]),
        .executable(name: "opsroom-guard", targets: ["opsroom-guard"]),
        .executable(name: "opsload", targets: ["opsload"]),
    ],
    dependencies: [
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.1"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        .target(name: "PulserIR", dependencies: [crypto], swiftSettings: house),
        .target(
            name: "Compiler",
            dependencies: ["PulserIR", .product(name: "Yams", package: "Yams")],
            swiftSettings: house
        ),
        .target(name: "StateMachines", dependencies: ["PulserIR"], swiftSettings: house),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(
            name: "Postgres",
            dependencies: ["CLibpq", deque, logging, metrics],
            swiftSettings: house + [.strictMemorySafety()]
        ),
        .target(
            name: "Store",
            dependencies: ["PulserIR", "Postgres", logging, metrics],
            swiftSettings: house
        ),
        .systemLibrary(
            name: "CNghttp2",
            pkgConfig: "libnghttp2",
            providers: [.apt(["libnghttp2-dev"])]
        ),
        .target(
            name: "HTTP2",
            dependencies: [
                "CNghttp2", nioCore, nioHTTP1,
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"), nioPosix, nioSSL,
                nioTLS, httpTypes,
                logging, metrics,
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                swiftASN1, x509,
            ],
            swiftSettings: house + [.strictMemorySafety()]
        ),
        .target(
            name: "Cluster",
            dependencies: [
                "PulserIR", "StateMachines", "Store", "HTTP2", nioCore, nioPosix, httpTypes,
                logging,
                metrics,
            ],
            swiftSettings: house
        ),
        .target(
            name: "Gateway",
            dependencies: [
                "PulserIR", "Compiler", "StateMachines", "Store", "HTTP2", "Cluster", crypto,
                nioCore, nioEmbedded, nioHTTP1, nioPosix, httpTypes, logging, metrics,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
            ],
            swiftSettings: house
        ),
        .executableTarget(name: "opsroom-guard", swiftSettings: house),
        .target(
            name: "Tools",
            dependencies: [
                "PulserIR", "Postgres", crypto, nioCore, nioHTTP1, subprocess, systemPackage,
                logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "Execution",
            dependencies: [
                "PulserIR", "StateMachines", "Store", "Cluster", "Tools", nioCore, logging, metrics,
            ],
            swiftSettings: house
        ),
        .target(
            name: "ControlRoom",
            dependencies: [
                "PulserIR", "Compiler", "StateMachines", "Postgres", "Store", "Tools", "Execution",
                "Cluster",
                "HTTP2", "Gateway", crypto, nioCore, nioPosix, subprocess, logging, metrics,
                swiftASN1, x509,
                .product(name: "TOMLKit", package: "TOMLKit"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: house
        ),
        .executableTarget(
            name: "opsroom",
            dependencies: [
                "PulserIR", "Compiler", "StateMachines", "Store", "ControlRoom", "Gateway", "HTTP2",
                "opsroom-guard",
                .product(name: "ArgumentParser", package: "swift-argument-parser"), httpTypes,
                nioCore, nioPosix, logging,
            ],
            swiftSettings: house
        ),
        .executableTarget(
            name: "opsload",
            dependencies: [
                "PulserIR", "StateMachines", "Store", "HTTP2", "Cluster", "ControlRoom", "Postgres",
                .product(name: "ArgumentParser", package: "swift-argument-parser"), httpTypes,
                nioCore, nioPosix, logging,
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            ],
            path: "loadtests/opsload",
            swiftSettings: house
        ),
        .target(
            name: "TestKit",
            dependencies: ["PulserIR"],
            path: "Tests/TestKit",
            swiftSettings: house
        ),
        .target(
            name: "TestBed",
            dependencies: [
                "Postgres", "ControlRoom", "PulserIR", "StateMachines", "TestKit", logging,
            ],
            path: "Tests/TestBed",
            swiftSettings: house
        ),
        .testTarget(
            name: "PulserIRTests",
            dependencies: ["PulserIR", "TestKit"],
            swiftSettings: house
        ),
        .testTarget(
            name: "StateMachinesTests",
            dependencies: ["StateMachines", "PulserIR", "TestKit"],
            swiftSettings: house
        ),
        .testTarget(
            name: "StoreTests",
            dependencies: [
                "Store", "StateMachines", "Postgres", "ControlRoom", "PulserIR", "TestKit",
                "TestBed",
                logging,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "CompilerTests",
            dependencies: ["Compiler", "PulserIR", "TestKit"],
            swiftSettings: house
        ),
        .testTarget(
            name: "PostgresTests",
            dependencies: ["Postgres", "ControlRoom", "TestBed", "TestKit", logging],
            swiftSettings: house
        ),
        .testTarget(
            name: "ToolsTests",
            dependencies: [
                "Tools", "PulserIR", "Postgres", "TestBed", "TestKit", "opsroom-guard", nioCore,
                nioHTTP1, nioPosix, subprocess, systemPackage, logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: house
        ),
        .executableTarget(
            name: "HTTP2Bed",
            dependencies: ["HTTP2", nioCore, nioPosix, httpTypes, logging],
            path: "Tests/HTTP2Bed",
            swiftSettings: house
        ),
        .target(
            name: "TestPeers",
            dependencies: ["HTTP2", crypto, nioCore, nioPosix, swiftASN1, x509],
            path: "Tests/TestPeers",
            swiftSettings: house
        ),
        .testTarget(
            name: "HTTP2Tests",
            dependencies: [
                "HTTP2", "HTTP2Bed", "TestKit", "TestPeers", nioCore, nioHTTP1,
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"), nioPosix, nioSSL,
                nioTLS, httpTypes,
                logging, crypto, swiftASN1, x509,
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "ClusterTests",
            dependencies: [
                "Cluster", "HTTP2", "StateMachines", "Store", "PulserIR", "TestKit", "TestPeers",
                nioCore, nioPosix, httpTypes, logging,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Gateway", "HTTP2", "Cluster", "Store", "Compiler", "StateMachines", "PulserIR",
                "Postgres",
                "ControlRoom", "TestKit", "TestBed", "TestPeers", "Tools", nioCore, nioPosix,
                httpTypes,
                logging, metrics, crypto, .product(name: "Hummingbird", package: "hummingbird"),
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "ControlRoomTests",
            dependencies: ["ControlRoom", "Gateway", "Postgres", "TestBed", nioCore, logging],
            swiftSettings: house
        ),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "opsroom", "opsroom-guard", "opsload", "ControlRoom", "Compiler", "StateMachines",
                "Store", "Postgres", "Gateway", "HTTP2", "PulserIR", "TestBed", "TestKit",
                "TestPeers",
                httpTypes,
                nioCore, nioPosix, logging, .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "OpsloadTests",
            dependencies: ["opsload", "PulserIR", "StateMachines", "TestKit"],
            swiftSettings: house
        ),
        .testTarget(name: "TidyTests", swiftSettings: house),
    ]
)
