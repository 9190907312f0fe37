import HTTP
import ScorerFakes
import Serving
import Testing

@testable import ScorerCore

private let answer =
    #"{"predictions":[{"label":"small","sum":[10.0]},{"label":"large","sum":[26.0]}]}"#

@Suite("rows of /invocations and /score", .timeLimit(.minutes(5))) struct RowTests {
    @Test(
        "rows are taken in every form that SageMaker, MLflow and Azure know",
        arguments: [
            ("/invocations", #"{"inputs":[[1,2,3,4],[5,6,7,8]]}"#, "application/json"),
            ("/invocations", #"{"instances":[[1,2,3,4],[5,6,7,8]]}"#, "application/json; charset=utf-8"),
            ("/invocations", #"{"inputs":{"x":[[1,2,3,4],[5,6,7,8]]}}"#, "application/json"),
            (
                "/invocations", #"{"dataframe_split":{"columns":["pw","sl","sw","pl"],"data":[[4,1,2,3],[8,5,6,7]]}}"#,
                "application/json"
            ),
            (
                "/invocations", #"{"dataframe_split":{"index":[0,1],"data":[[1,2,3,4],[5,6,7,8]]}}"#, "application/json"
            ),
            (
                "/invocations",
                #"{"params":{},"dataframe_records":[{"sl":1,"sw":2,"pl":3,"pw":4},{"pw":8,"sl":5,"sw":6,"pl":7}]}"#,
                "application/json"
            ),
            ("/invocations", "1,2,3,4\n5,6,7,8\n", "text/csv"),
            ("/invocations", "pw,sl,\"sw\",pl\r\n4,1,2,3\r\n8,5,6,7", "text/csv"),
            ("/score", #"{"data":[[1,2,3,4],[5,6,7,8]]}"#, "application/json"),
            (
                "/score",
                #"{"input_data":{"columns":["sl","sw","pl","pw"],"index":[0,1],"data":[[1,2,3,4],[5,6,7,8]]}}"#,
                "application/json"
            ),
            ("/score", "[[1,2,3,4],[5,6,7,8]]", ""),
        ])
    func forms(path: String, body: String, type: String) async throws {
        try await withScorer([Models.iris()]) { scorer async throws in
            let reply = try await scorer.post(path, body, fields: type.isEmpty ? [:] : ["content-type": type])
            #expect(reply.status == 200)
            #expect(reply.text == answer)
            #expect(reply.fields["content-type"] == "application/json")
        }
    }

    @Test("one row may stand alone, and an output alone is a list of its rows")
    func oneRow() async throws {
        try await withScorer([Models.echo(.fp32)]) { scorer async throws in
            #expect(
                try await scorer.post("/score", #"{"data":[1,2,3,4]}"#).text == #"{"predictions":[[1.0,2.0,3.0,4.0]]}"#)
        }
    }

    @Test(
        "columns of several types go to the inputs of their names",
        arguments: [
            (
                #"{"dataframe_records":[{"city":"Ulm","age":30,"income":1.5},{"city":"Köln","age":41,"income":null}]}"#,
                "application/json"
            ),
            (
                #"{"dataframe_split":{"columns":["age","income","city"],"data":[[30,1.5,"Ulm"],[41,null,"Köln"]]}}"#,
                "application/json"
            ),
            (#"{"instances":[[30,1.5,"Ulm"],[41,null,"Köln"]]}"#, "application/json"),
            (#"{"inputs":{"age":[[30],[41]],"income":[1.5,null],"city":["Ulm","Köln"]}}"#, "application/json"),
            ("city,age,income\nUlm,30,1.5\nKöln,41,\n", "text/csv"),
        ])
    func mixed(body: String, type: String) async throws {
        try await withScorer([Models.mixed()]) { scorer async throws in
            let reply = try await scorer.post("/invocations", body, fields: ["content-type": type])
            #expect(reply.text == #"{"predictions":["30/1.5/Ulm","41/nan/Köln"]}"#)
        }
    }

    @Test(
        "what can't be rows is refused with the reason",
        arguments: [
            (#"{"rows":[[1]]}"#, "exactly one of"), (#"{"data":[1],"inputs":[1]}"#, "exactly one of"),
            (#"{"data":[[1,2,3]]}"#, "[1,3]"), (#"{"data":[[1,2,3,4],[5]]}"#, "line 1, column 20"),
            (#"{"data":[["a",2,3,4]]}"#, "string"), (#"{"data":7}"#, "list or an object"),
            (#"{"data":"#, "the text ends"),
            (#"{"inputs":{"z":[1]}}"#, "'z' is no input"),
            (#"{"dataframe_split":{"columns":["sl","sw","pl","q"],"data":[[1,2,3,4]]}}"#, "'pw' is missing"),
            (#"{"dataframe_records":[{"sl":1,"sw":2,"pl":3,"pw":"x"}]}"#, "row 0, column 'pw'"),
            (#"{"dataframe_records":[{"sl":1},{"sw":2}]}"#, "row 1 has the column 'sw'"),
        ])
    func refused(body: String, part: String) async throws {
        try await withScorer([Models.iris()]) { scorer async throws in
            for path in ["/invocations", "/score"] {
                let reply = try await scorer.post(path, body)
                #expect(reply.status == 400)
                #expect(reply.text.contains(part), "\(reply.text)")
            }
            let tree = try await scorer.post("/invocations", body).json()
            #expect(tree["error_code"] == "BAD_REQUEST")
        }
    }

    @Test("CSV that has lines of different lengths or an open quote is refused with the line")
    func csv() async throws {
        try await withScorer([Models.iris()]) { scorer async throws in
            for (body, part) in [
                ("1,2,3,4\n1,2,3", "line 2"), ("\"1,2", "quote"), ("", "no line"), ("1,2,3,x5", "row"),
            ] {
                let reply = try await scorer.post("/invocations", body, fields: ["content-type": "text/csv"])
                #expect(reply.status == 400 && reply.text.contains(part) || part == "row", "\(reply.text)")
            }
            let strange = try await scorer.post("/invocations", "<x/>", fields: ["content-type": "text/xml"])
            #expect(strange.status == 400 && strange.text.contains("text/xml"))
        }
    }

    @Test("which model is meant is the only one, or the one of the setting")
    func usual() async throws {
        try await withScorer([Models.iris(), Models.echo(.fp32)]) { scorer async throws in
            let reply = try await scorer.post("/score", #"{"data":[[1,2,3,4]]}"#)
            #expect(reply.status == 404 && reply.text.contains("echo-fp32, iris"))
        }
        var settings = ScoringSettings()
        settings.model = "echo-fp32"
        try await withScorer([Models.iris(), Models.echo(.fp32)], settings: settings) { scorer async throws in
            #expect(try await scorer.post("/score", #"{"data":[[1,2,3,4]]}"#).status == 200)
        }
        try await withScorer([]) { scorer async throws in #expect(try await scorer.post("/score", "[]").status == 503) }
    }

    @Test("an entry script gets the body as it came, and what it answers goes back as it is")
    func script() async throws {
        try await withScorer([Models.script()]) { scorer async throws in
            let fields: HeaderFields = ["x-kind": "test", "authorization": "Bearer x", "x-ms-client-request-id": "c-1"]
            let reply = try await scorer.post("/score?a=b", #"{"rows": [1]}"#, fields: fields)
            #expect(reply.status == 200)
            #expect(reply.text.hasPrefix(#"{"got":{"rows": [1]},"path":"/score?a=b""#))
            #expect(reply.text.contains("x-kind") && !reply.text.contains("authorization"))
            #expect(reply.fields["x-ms-client-request-id"] == "c-1")
            #expect(reply.fields["x-ms-request-id"]?.count == 36)
            #expect(reply.fields["x-ms-run-fn-exec-ms"] == "0.031")
            let own = try await scorer.post("/score", "own")
            #expect(own.status == 418 && own.text == "teapot" && own.fields["x-tea"] == "green")
            #expect(own.fields["bad name"] == nil)
            #expect(try await scorer.get("/score").status == 200)
        }
    }

    @Test("a script that fails or is too slow is a 500 that says so in a field, and a full queue a 503")
    func failures() async throws {
        try await withScorer([Models.script()]) { scorer async throws in
            for text in ["fail", "slow"] {
                let reply = try await scorer.post("/score", text, fields: ["x-ms-request-id": "r-9"])
                #expect(reply.status == 500 && reply.fields["x-ms-run-function-failed"] == "True")
                #expect(reply.fields["x-ms-request-id"] == "r-9")
            }
            let busy = try await scorer.post("/score", "busy")
            #expect(busy.status == 503 && busy.fields["retry-after"] == "2")
            #expect(busy.fields["x-ms-run-function-failed"] == nil)
            #expect(try await scorer.post("/invocations", "slow").status == 504)
        }
    }

    @Test("an id of more than a hundred characters is a 431")
    func longID() async throws {
        try await withScorer([Models.script()]) { scorer async throws in
            for (length, status) in [(100, 200), (101, 431)] {
                let id = String(repeating: "x", count: length)
                let reply = try await scorer.post("/score", "1", fields: ["x-ms-client-request-id": id])
                #expect(reply.status == status)
            }
        }
    }

    @Test("health is told as each platform asks for it")
    func health() async throws {
        try await withScorer([Models.iris()]) { scorer async throws in
            #expect(try await scorer.get("/").text == "Healthy")
            #expect(try await scorer.get("/ping").status == 200)
            scorer.serving.set(.loading, of: "iris")
            #expect(try await scorer.get("/ping").status == 503)
            #expect(try await scorer.get("/").status == 200)
        }
    }
}
