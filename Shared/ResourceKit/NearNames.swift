import Spelling

package typealias NearNames = Spelling.NearNames
