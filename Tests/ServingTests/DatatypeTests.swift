import AdapterContracts
import Serving
import Testing

@Suite("Datatypes")
struct DatatypeTests {
    @Test("each name finds its datatype, and an unknown one none", arguments: Datatype.allCases)
    func names(datatype: Datatype) {
        #expect(Datatype(name: datatype.name) == datatype)
        #expect(Datatype(name: datatype.name.lowercased()) == nil)
    }

    @Test("the adapters' messages number datatypes as the server does", arguments: Datatype.allCases)
    func numbers(datatype: Datatype) throws {
        let message = Slipway.Adapter.V1.Datatype(rawValue: datatype.rawValue)
        #expect("\(message)".uppercased().hasSuffix(datatype.name))
    }
}
