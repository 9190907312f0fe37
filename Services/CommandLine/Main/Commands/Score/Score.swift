import CommandLineKit
import Contracts

enum Score {
    static let data = Flag.required("data", "DATA", "what to score: a text, @file, or - for the standard input")
    static let key = Flag.text(
        "key", "KEY", "a key or a token of the endpoint (SLIPWAY_ENDPOINT_KEY; else it is asked for)")
    static let address = Flag.text("address", "ADDRESS", "where the endpoint is (what the deployment says)")
    static let path = Flag.text("path", "PATH", "what to ask of it (/score, or the model's infer for tensors)")
    static let model = Flag.text("model", "NAME", "which of several models in the image, for tensors")
    static let type = Flag.text("content-type", "TYPE", "what the data are (application/json, or by the file's ending)")
    static let revision = Flag.integer(
        "revision", "NUMBER", in: 1...1_000_000_000, "asks this revision, whatever its share")
    static let route = Flag.text("route", "WORD", "requests with the same word get the same revision")
    static let authorities = Flag.text(
        "endpoint-ca", "FILE", "PEM file of the authorities that the endpoint's certificate is checked against",
        completion: .files)
    static let certificate = Flag.text(
        "client-certificate", "FILE", "PEM file of a certificate to show to the endpoint", completion: .files)
    static let certificateKey = Flag.text("client-key", "FILE", "PEM file of its key", completion: .files)
    static let timeout = Flag.brief("timeout", "how long it may take altogether (2m)")
    static let include = Flag.switch(
        "include", short: "i", "says status, revision and request id on the standard error")

    static let command = Command<Session>(
        "score", "Asks an endpoint, and writes its answer.",
        details: """
            The answer is written as it comes; with --output json it stands beside its status, revision and request id. \
            Where there is no key at hand the deployer is asked for one, which its journal remembers. Exit codes: 0 \
            answered, 2 the endpoint finds the data wrong, 3 no such endpoint or model, 4 the key does not open it, 6 nobody \
            can answer now, 1 it failed otherwise.
            """,
        arguments: [DeploymentGroup.name],
        flags: [
            data.specification, key.specification, address.specification, path.specification, model.specification,
            type.specification, revision.specification, route.specification, authorities.specification,
            certificate.specification, certificateKey.specification, timeout.specification, include.specification,
        ],
        examples: [
            .init("slipway score churn --data '{\"data\": [[5.1, 3.5, 1.4, 0.2]]}'", "a row"),
            .init("slipway score churn --data @rows.csv", "a file of rows"),
            .init("slipway score churn --data - --revision 4 < request.json", "what would the new one say?"),
        ]
    ) { values, session in
        let data = try ScoreData(values[data])
        let call = try await call(values, data, session)
        let answer = try await call.call.post(
            call.path, data.bytes, type: values[type] ?? data.type, fields: fields(values))
        if values[include] {
            session.note(
                "HTTP \(answer.status), revision \(answer.revision.isEmpty ? "not said" : answer.revision), "
                    + "request \(answer.requestID.isEmpty ? "not named" : answer.requestID)")
        }
        guard answer.isGood else { throw answer.failure }
        session.show(document(answer)) { text(answer, session) }
    }

    private static func fields(_ values: Values) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        if let revision = values[revision] { fields.append(("slipway-revision", "\(revision)")) }
        if let route = values[route] { fields.append(("slipway-route", route)) }
        return fields
    }

    private static func text(_ answer: EndpointCall.Answer, _ session: Session) -> String {
        var text = answer.text
        // A terminal would take parts of an answer as orders to it.
        if session.terminal.outputIsTerminal {
            text = text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { DisplayText.harmless(String($0)) }.joined(separator: "\n")
        }
        return text.hasSuffix("\n") || text.isEmpty ? text : text + "\n"
    }

    private static func document(_ answer: EndpointCall.Answer) -> Document {
        .object([
            ("status", .number(Double(answer.status))), ("revision", .string(answer.revision)),
            ("requestId", .string(answer.requestID)),
            ("answer", (try? Document(parsing: answer.text)) ?? .string(answer.text)),
        ])
    }
}
