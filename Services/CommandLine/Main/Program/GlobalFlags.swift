import CommandLineKit

/// What every command can be told.
enum GlobalFlags {
    static let server = Flag.text(
        "server", "ADDRESS", "where the suite is: http://host:port, https://host or unix:/path")
    static let imagesServer = Flag.text(
        SuiteService.images.flag, "ADDRESS", "where the image builder is, if not behind --server")
    static let eventsServer = Flag.text(
        SuiteService.events.flag, "ADDRESS", "where the events service is, if not behind --server")
    static let deploymentsServer = Flag.text(
        SuiteService.deployments.flag, "ADDRESS", "where the deployer is, if not behind --server")
    static let workspace = Flag.text("workspace", short: "w", "NAME", "the workspace that the command is about")
    static let tokenFile = Flag.text(
        "token-file", "FILE", "the file with the token to sign in with; - reads it from the standard input",
        completion: .files)
    static let context = Flag.text("context", "NAME", "the named context of the configuration to use")
    static let authorities = Flag.text(
        "ca-file", "FILE", "PEM file of the authorities that the server's certificate is checked against",
        completion: .files)
    static let output = Flag.choice("output", short: "o", ["table", "json", "yaml"], "how results are written")
    static let json = Flag.switch("json", "the same as --output json")
    static let quiet = Flag.switch("quiet", short: "q", "no progress, and no notes on the standard error")

    /// Where services are that have an address of their own.
    static let services: [(service: SuiteService, flag: Flag<String?>)] = [
        (.images, imagesServer), (.events, eventsServer), (.deployments, deploymentsServer),
    ]

    static let all = [
        server.specification, imagesServer.specification, eventsServer.specification,
        deploymentsServer.specification, workspace.specification, tokenFile.specification, context.specification,
        authorities.specification, output.specification, json.specification, quiet.specification,
    ]
}
