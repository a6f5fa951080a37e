// In which forms a secret may turn up in output.

import PulserIR

/// The byte strings that give a secret away.
enum SecretForms {
    /// A form shorter than this is not looked for: it would blacken ordinary text.
    static let bytesMin = 6

    /// All forms of `value`: itself, its lines, the password of a DSN, and each of these as
    /// base64 (also inside a longer base64), percent-encoded and JSON-escaped.
    static func all(of value: String) -> Set<[UInt8]> {
        var plain: Set<String> = [value]
        for line in value.split(whereSeparator: \.isNewline) { plain.insert(String(line)) }
        if let password = Self.password(inDSN: value) { plain.insert(password) }
        var forms: Set<[UInt8]> = []
        for text in plain where text.count >= Self.bytesMin {
            let bytes = Array(text.utf8)
            forms.insert(bytes)
            forms.formUnion(Self.base64(bytes))
            for spaceAsPlus in [false, true] {
                for digits in ["0123456789ABCDEF", "0123456789abcdef"] {
                    forms.insert(Self.percentEncoded(bytes, Array(digits.utf8), spaceAsPlus))
                }
            }
            forms.formUnion(Self.escaped(text))
        }
        return forms.filter { $0.count >= Self.bytesMin }
    }

    /// The letters that do not depend on what stands around the value, for its three positions.
    private static func base64(_ bytes: [UInt8]) -> Set<[UInt8]> {
        var forms: Set<[UInt8]> = []
        let alphabets = [
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        ].map { Array($0.utf8) }
        for alphabet in alphabets {
            for shift in 0..<3 {
                let letters = Self.sextets(Array(repeating: 0, count: shift) + bytes)
                let stable = letters.dropFirst(shift == 0 ? 0 : shift + 1)
                forms.insert(stable.map { alphabet[Int($0)] })
            }
        }
        return forms
    }

    /// Only whole groups of six bits: the last, incomplete one depends on what follows.
    private static func sextets(_ bytes: [UInt8]) -> [UInt8] {
        var sextets: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                sextets.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)) & 63)
            }
        }
        return sextets
    }

    private static func percentEncoded(
        _ bytes: [UInt8],
        _ digits: [UInt8],
        _ spaceAsPlus: Bool
    ) -> [UInt8] {
        var encoded: [UInt8] = []
        for byte in bytes {
            if PercentEncoding.isUnreserved(byte) {
                encoded.append(byte)
            } else if byte == 0x20, spaceAsPlus {
                encoded.append(UInt8(ascii: "+"))
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return encoded
    }

    /// As inside a JSON string, also with `\/` and with `\uXXXX` for everything but ASCII.
    private static func escaped(_ text: String) -> [[UInt8]] {
        var quoted: [UInt8] = []
        JSONValue.writeString(text, to: &quoted)
        let inner = Array(quoted.dropFirst().dropLast())
        var slashes: [UInt8] = []
        for byte in inner {
            if byte == UInt8(ascii: "/") { slashes.append(UInt8(ascii: "\\")) }
            slashes.append(byte)
        }
        var ascii = ""
        for scalar in String(decoding: inner, as: UTF8.self).unicodeScalars {
            if scalar.isASCII {
                ascii.unicodeScalars.append(scalar)
            } else {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    ascii += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            }
        }
        return [inner, slashes, Array(ascii.utf8)]
    }

    /// The password of `scheme://user:password@host` or of `… password=… …`.
    private static func password(inDSN value: String) -> String? {
        if let scheme = value.firstRange(of: "://") {
            let rest = value[scheme.upperBound...]
            let authority = rest.prefix { !"/?#".contains($0) }
            guard let at = authority.lastIndex(of: "@"),
                let colon = authority[..<at].firstIndex(of: ":")
            else { return nil }
            return String(authority[authority.index(after: colon)..<at])
        }
        for pair in value.split(separator: " ") where pair.hasPrefix("password=") {
            return String(pair.dropFirst("password=".count)).trimmingQuotes
        }
        return nil
    }
}

extension String {
    fileprivate var trimmingQuotes: String {
        self.count >= 2 && self.hasPrefix("'") && self.hasSuffix("'")
            ? String(self.dropFirst().dropLast()) : self
    }
}
