import ResourceKit
import Access
import Contracts
import Identity
import RPC

/// `slipway.workspaces.v1.Workspaces`.
public struct WorkspaceService: Slipway.Workspaces.V1.Workspaces.SimpleService {
    private typealias V1 = Slipway.Workspaces.V1
    private let identities: IdentityStore

    public init(_ identities: IdentityStore) { self.identities = identities }

    public func create(
        _ request: Slipway.Workspaces.V1.CreateWorkspaceRequest, context: ServerContext
    ) async throws -> Slipway.Workspaces.V1.Workspace {
        let owner = try context.principal()
        let made = try await identities.createWorkspace(
            request.name, owner: owner.id, by: IdentityChange(context.caller))
        return V1.Workspace(try await identities.workspace(named: made.name))
    }

    public func get(
        _ request: Slipway.Workspaces.V1.GetWorkspaceRequest, context: ServerContext
    ) async throws -> Slipway.Workspaces.V1.Workspace {
        V1.Workspace(try await identities.workspace(named: try context.workspace.name))
    }

    public func list(
        _ request: Slipway.Workspaces.V1.ListWorkspacesRequest, context: ServerContext
    ) async throws -> Slipway.Workspaces.V1.ListWorkspacesResponse {
        let principal = try context.principal()
        let found = try await identities.workspaces(of: context.caller.isAdministrator ? nil : principal.id)
        return V1.ListWorkspacesResponse(workspaces: found.map { V1.Workspace($0) })
    }

    public func setArchived(
        _ request: Slipway.Workspaces.V1.SetArchivedRequest, context: ServerContext
    ) async throws -> Slipway.Workspaces.V1.Workspace {
        let workspace = try await identities.workspace(named: request.name).workspace
        try await identities.setArchived(request.archived, workspace.id, by: context.caller.change(request.reason))
        return V1.Workspace(try await identities.workspace(named: workspace.name))
    }

    public func listMembers(
        _ request: Slipway.Workspaces.V1.ListMembersRequest, context: ServerContext
    ) async throws -> Slipway.Workspaces.V1.ListMembersResponse {
        let found = try await identities.members(of: try context.workspace.id)
        return V1.ListMembersResponse(members: found.map { V1.Member($0) })
    }

    public func setMember(
        _ request: Slipway.Workspaces.V1.SetMemberRequest, context: ServerContext
    ) async throws -> Slipway.Workspaces.V1.Member {
        let workspace = try context.workspace
        guard let role = Role(request.role) else {
            throw RPCError.badRequest(field: "role", "it is reader, contributor, owner, or unspecified to end it")
        }
        let principal = try await identities.principal(named: request.principal).principal
        try await identities.setRole(
            role, of: principal.id, in: workspace.id, by: context.caller.change(request.reason))
        let members = try await identities.members(of: workspace.id)
        guard let member = members.first(where: { $0.principal.id == principal.id }) else {
            return V1.Member(principal: principal.description, role: .unspecified)
        }
        return V1.Member(member)
    }
}
