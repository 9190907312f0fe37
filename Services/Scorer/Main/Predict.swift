import Glibc
import ServiceKit

/// `scorer predict PATH --input FILE`.
enum Predict {
    static func main(_ arguments: [String]) -> Never {
        Console.complain("scorer: predict is not there yet")
        exit(ServiceProgram.ExitCode.badConfiguration.rawValue)
    }
}
