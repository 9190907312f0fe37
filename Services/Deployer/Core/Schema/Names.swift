package import Contracts

/// The messages of the deployer's services, which are also what its tables hold.
package typealias V1 = Slipway.Deployments.V1
