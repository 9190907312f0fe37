import CommandLineKit
import Contracts

enum ModelLineage {
    static let depth = Flag.integer("depth", "STEPS", in: 1...100, "how many steps each way (10)")

    static let command = Command<Session>(
        "lineage", "Shows what a version came from and where it went.", arguments: [Shared.version],
        flags: [depth.specification],
        examples: [
            .init("slipway model lineage churn:3", "runs, data, commits; images and deployments"),
            .init("slipway model lineage churn@champion -o json", "the whole graph, for a program"),
        ]
    ) { values, session in
        let graph = try await session.connect().lineage.graph(
            .init(version: values[Shared.version], depth: Int32(values[depth] ?? 0)))
        try session.show(graph) { text(graph, session) }
        if graph.nodes.count == 1 { session.done("nothing is known of what it came from or where it went") }
        if graph.truncated { session.done("there is more; --depth shows more") }
    }

    /// The version in the middle, with a tree above it and one below.
    private static func text(_ graph: Slipway.Models.V1.LineageGraph, _ session: Session) -> String {
        guard let middle = graph.nodes.first else { return "" }
        let nodes = Dictionary(graph.nodes.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var above: [String: [(id: String, relation: String)]] = [:]
        var below: [String: [(id: String, relation: String)]] = [:]
        for edge in graph.edges {
            above[edge.to, default: []].append((edge.from, edge.relation))
            below[edge.from, default: []].append((edge.to, edge.relation))
        }
        var text = session.terminal.bold(label(middle)) + "\n"
        for (title, edges) in [("came from", above), ("went to", below)] where !edges[middle.id, default: []].isEmpty {
            text += "\(title)\n"
            var seen: Set<String> = [middle.id]
            branch(middle.id, edges, nodes, indent: "", &seen, &text)
        }
        return text
    }

    private static func branch(
        _ id: String, _ edges: [String: [(id: String, relation: String)]],
        _ nodes: [String: Slipway.Models.V1.LineageNode], indent: String, _ seen: inout Set<String>,
        _ text: inout String
    ) {
        let next = edges[id] ?? []
        for (index, edge) in next.enumerated() {
            let isLast = index == next.count - 1
            let isNew = seen.insert(edge.id).inserted
            let name = nodes[edge.id].map(label) ?? DisplayText.harmless(edge.id)
            text += "\(indent)\(isLast ? "└─" : "├─") \(name)  (\(DisplayText.harmless(edge.relation)))"
            text += isNew ? "\n" : "  see above\n"
            if isNew { branch(edge.id, edges, nodes, indent: indent + (isLast ? "   " : "│  "), &seen, &text) }
        }
    }

    private static func label(_ node: Slipway.Models.V1.LineageNode) -> String {
        let name = node.name.isEmpty || node.name == node.id ? node.id : "\(node.id) \(node.name)"
        return DisplayText.harmless(node.state.isEmpty ? name : "\(name) [\(node.state)]")
    }
}
