import Access
import RPC

extension ServerContext {
    /// The workspace of the call.
    /// - Throws: `internal` where the method was reached around the access interceptor.
    package var workspace: Workspace {
        get throws(RPCError) {
            guard let workspace = caller.workspace else {
                throw RPCError(.internal, "the call reached its method without a workspace")
            }
            return workspace
        }
    }

    /// Where the call changes something, by whom and why.
    package func change(_ reason: String) throws(RPCError) -> WorkspaceChange {
        WorkspaceChange(try workspace, actor: caller.actor, reason: reason)
    }
}
