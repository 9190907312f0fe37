internal import Glibc

/// A system call that failed.
struct SystemFault: Error, CustomStringConvertible {
    let operation: String
    let path: String
    let number: Int32

    init(_ operation: String, _ path: String, number: Int32 = errno) {
        self.operation = operation
        self.path = path
        self.number = number
    }

    var description: String { "\(operation) \(path): \(String(cString: strerror(number)))" }

    /// A full disk may have room later; everything else is for people to look at.
    var asTargetError: TargetError {
        TargetError(number == ENOSPC || number == EDQUOT ? .noCapacity : .failed, description)
    }
}
