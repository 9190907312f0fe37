/// A pattern of LIKE: `%` for any text, `_` for one character, `\` takes their meaning away. Matched in one pass, whatever the
/// pattern: each `%` needs to be tried only where the one before it ended.
struct FilterPattern: Equatable, Sendable {
    private enum Piece: Equatable, Sendable {
        case any
        case one
        case character(Character)
    }

    let ignoresCase: Bool
    private let pieces: [Piece]
    /// What the text begins with, in bytes, and whether that is all there is to ask: most patterns are prefixes.
    private let prefix: [UInt8]
    private let isPrefix: Bool

    init(_ pattern: String, ignoresCase: Bool) {
        var pieces: [Piece] = []
        var isEscaped = false
        for character in ignoresCase ? pattern.lowercased() : pattern {
            switch character {
            case _ where isEscaped: pieces.append(.character(character))
            case "\\":
                isEscaped = true
                continue
            case "%": if pieces.last != .any { pieces.append(.any) }
            case "_": pieces.append(.one)
            default: pieces.append(.character(character))
            }
            isEscaped = false
        }
        self.pieces = pieces
        self.ignoresCase = ignoresCase
        let literal = pieces.prefix { if case .character = $0 { true } else { false } }
        let text = String(literal.compactMap { if case .character(let character) = $0 { character } else { nil } })
        prefix = Array(text.utf8)
        // Bytes decide only where they can't be the half of a character.
        isPrefix = !ignoresCase && text.utf8.allSatisfy { $0 < 0x80 } && pieces.dropFirst(literal.count) == [.any]
    }

    func matches(_ text: String) -> Bool {
        if isPrefix { return text.utf8.starts(with: prefix) }
        let characters = Array(ignoresCase ? text.lowercased() : text)
        var (place, piece) = (0, 0)
        var resume: (piece: Int, place: Int)?
        while place < characters.count {
            if piece < pieces.count {
                switch pieces[piece] {
                case .any:
                    resume = (piece, place)
                    piece += 1
                    continue
                case .character(characters[place]), .one:
                    piece += 1
                    place += 1
                    continue
                default: break
                }
            }
            guard let last = resume else { return false }
            resume = (last.piece, last.place + 1)
            (piece, place) = (last.piece + 1, last.place + 1)
        }
        return pieces[piece...].allSatisfy { $0 == .any }
    }
}
