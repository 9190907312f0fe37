/// What somebody may have meant who made a typing error.
public enum Suggestion {
    /// The word that is the fewest slips away; nil where none is near.
    public static func nearest(to typed: String, among words: [String]) -> String? {
        let typed = typed.lowercased()
        guard !typed.isEmpty else { return nil }
        let limit = max(1, (typed.count + 1) / 3)
        let ranked =
            words.map { word in
                // Half a word is no slip, but what comes before its end.
                let isBegun = typed.count >= 3 && word.hasPrefix(typed)
                return (word: word, slips: isBegun ? 0 : slips(typed, word.lowercased()))
            }
            .filter { $0.slips <= limit && $0.slips < max(typed.count, $0.word.count) }
        return ranked.min { ($0.slips, $0.word) < ($1.slips, $1.word) }?.word
    }

    /// How many letters were left out, added, changed or swapped with their neighbour.
    static func slips(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let isSame = left[row - 1] == right[column - 1]
                var best = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (isSame ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    best = min(best, beforeLast[column - 2] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
