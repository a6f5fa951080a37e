// What each function of the expression language does.

extension ExpressionEvaluator {
    /// The value of a call; tainted when any evaluated argument is.
    func call(
        _ function: ExpressionFunction,
        _ arguments: [ExpressionNode],
        at offset: Int
    ) throws(ExpressionError) -> Evaluated {
        switch function {
        case .success: return Evaluated(.bool(self.scope.success))
        case .failure: return Evaluated(.bool(self.scope.failure))
        case .always: return Evaluated(.bool(true))
        case .default: return try self.readSoftly(arguments)
        default: break
        }
        var values: [JSONValue] = []
        var isTainted = false
        for argument in arguments {
            let evaluated = try self.evaluate(argument)
            values.append(evaluated.value)
            isTainted = isTainted || evaluated.isTainted
        }
        let call = FunctionCall(
            function: function,
            values: values,
            arguments: arguments,
            at: offset
        )
        return Evaluated(try call.value(), isTainted: isTainted)
    }

    /// `default(x, v)`: `v` where `x` is absent or null; every other error stays one.
    private func readSoftly(_ arguments: [ExpressionNode]) throws(ExpressionError) -> Evaluated {
        var isTainted = false
        do throws(ExpressionError) {
            let first = try self.evaluate(arguments[0])
            if first.value != .null { return first }
            isTainted = first.isTainted
        } catch {
            guard error.isAbsence else { throw error }
        }
        var fallback = try self.evaluate(arguments[1])
        fallback.isTainted = fallback.isTainted || isTainted
        return fallback
    }
}

/// One call with its values at hand; the parser has checked their number.
private struct FunctionCall {
    let function: ExpressionFunction
    let values: [JSONValue]
    let arguments: [ExpressionNode]
    let at: Int

    func value() throws(ExpressionError) -> JSONValue {
        switch self.function {
        case .contains: return .bool(try self.contains())
        case .startsWith: return .bool(try self.text(0).utf8.starts(with: try self.text(1).utf8))
        case .endsWith:
            let suffix = try self.text(1).utf8.reversed()
            return .bool(try self.text(0).utf8.reversed().starts(with: suffix))
        case .format: return .string(try self.format())
        case .join: return .string(try self.join())
        case .toJSON: return .string(self.values[0].canonicalText)
        case .fromJSON: return try self.parsed()
        case .length: return .integer(Int64(try self.length()))
        case .sha256: return .string(Digest(of: Array(try self.text(0).utf8)).hex)
        case .success, .failure, .always, .default: return .null
        }
    }

    private func contains() throws(ExpressionError) -> Bool {
        switch self.values[0] {
        case .string(let text): return text.utf8.holds(try self.text(1).utf8)
        case .array(let items): return items.contains { $0.isEqual(to: self.values[1]) }
        default: throw self.wrongType(0, wanted: "text or a list")
        }
    }

    private func format() throws(ExpressionError) -> String {
        let pattern = Array(try self.text(0).utf8)
        var result: [UInt8] = []
        var index = 0
        while index < pattern.count {
            let byte = pattern[index]
            let next = index + 1 < pattern.count ? pattern[index + 1] : 0
            if byte == 0x7B || byte == 0x7D, next == byte {
                result.append(byte)
                index += 2
            } else if byte == 0x7B {
                let digits = pattern[(index + 1)...].prefix { (0x30...0x39).contains($0) }
                let place = Int(String(decoding: digits, as: UTF8.self))
                guard let place, digits.endIndex < pattern.count, pattern[digits.endIndex] == 0x7D
                else { throw self.badPattern("'{' without a number and '}'") }
                guard place + 1 < self.values.count else {
                    throw self.badPattern("'{\(place)}' has no argument")
                }
                result.append(contentsOf: try self.scalar(self.values[place + 1], place + 1).utf8)
                index = digits.endIndex + 1
            } else if byte == 0x7D {
                throw self.badPattern("'}' without '{'")
            } else {
                result.append(byte)
                index += 1
            }
            guard result.count <= Limits.expressionResultBytesMax else {
                throw ExpressionError.tooLarge(at: self.at)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private func badPattern(_ problem: String) -> ExpressionError {
        ExpressionError(
            message: "format: \(problem)",
            offset: self.arguments[0].offset,
            hint: "arguments are {0}, {1}, …; a brace itself is written twice"
        )
    }

    private func join() throws(ExpressionError) -> String {
        guard case .array(let items) = self.values[0] else {
            throw self.wrongType(0, wanted: "a list")
        }
        let separator = self.values.count > 1 ? try self.text(1) : ","
        var result = ""
        for (index, item) in items.enumerated() {
            if index > 0 { result += separator }
            result += try self.scalar(item, 0)
            guard result.utf8.count <= Limits.expressionResultBytesMax else {
                throw ExpressionError.tooLarge(at: self.at)
            }
        }
        return result
    }

    private func parsed() throws(ExpressionError) -> JSONValue {
        let text = try self.text(0)
        do throws(JSONError) {
            return try JSONValue(parsing: text)
        } catch {
            throw ExpressionError(
                message: "fromJSON: \(error.message)",
                offset: self.arguments[0].offset
            )
        }
    }

    /// Text counts its Unicode scalars, which no version of Unicode can change.
    private func length() throws(ExpressionError) -> Int {
        switch self.values[0] {
        case .string(let text): return text.unicodeScalars.count
        case .array(let items): return items.count
        case .object(let members): return members.count
        default: throw self.wrongType(0, wanted: "text, a list or an object")
        }
    }

    private func text(_ index: Int) throws(ExpressionError) -> String {
        guard case .string(let text) = self.values[index] else {
            throw self.wrongType(index, wanted: "text")
        }
        return text
    }

    private func scalar(_ value: JSONValue, _ index: Int) throws(ExpressionError) -> String {
        if let text = value.embeddedText { return text }
        throw ExpressionError(
            message: "\(self.function.rawValue) cannot write \(value.typeName) as text",
            offset: self.arguments[index].offset,
            hint: value == .null ? "use default(…, 'text')" : "use toJSON(…)"
        )
    }

    private func wrongType(_ index: Int, wanted: String) -> ExpressionError {
        ExpressionError(
            message:
                "\(self.function.rawValue) takes \(wanted), not \(self.values[index].typeName)",
            offset: self.arguments[index].offset,
            hint: "write \(self.function.signature)"
        )
    }
}

extension String.UTF8View {
    /// Whether `part` occurs in these bytes.
    fileprivate func holds(_ part: String.UTF8View) -> Bool {
        let text = Array(self)
        let wanted = Array(part)
        guard let first = wanted.first else { return true }
        guard wanted.count <= text.count else { return false }
        for start in 0...(text.count - wanted.count)
        where text[start] == first && text[start...].starts(with: wanted) {
            return true
        }
        return false
    }
}
