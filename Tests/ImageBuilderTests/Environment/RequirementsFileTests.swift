import Testing

@testable import ImageBuilderCore

@Suite("Lists of requirements for pip")
struct RequirementsFileTests {
    @Test(
        "what pip takes is taken and normalised",
        arguments: [
            ("numpy", "numpy"), ("NumPy == 1.26.4", "numpy==1.26.4"),
            ("scikit_learn>=1.3 , <2", "scikit-learn<2,>=1.3"),
            ("a.b--c~=1.0", "a-b-c~=1.0"), ("x (>=1)", "x>=1"),
            ("Uvicorn[Standard, extra_1]>=0.2", "uvicorn[extra-1,standard]>=0.2"),
            ("tomli; python_version  < '3.11'", "tomli ; python_version < \"3.11\""), ("x # why", "x"), ("x#y", nil),
            ("torch==2.1.0+cpu", "torch==2.1.0+cpu"), ("x===1.0.post1", "x===1.0.post1"), ("x!=1.*", "x!=1.*"),
            (
                "x==1 --hash=sha256:\(String(repeating: "a", count: 64))",
                "x==1 --hash=sha256:\(String(repeating: "a", count: 64))"
            ),
        ] as [(String, String?)])
    func taken(_ line: String, _ expected: String?) {
        let file = RequirementsFile(line)
        if let expected {
            #expect(file.problems.isEmpty, "\(file.problems)")
            #expect(file.requirements.map(\.text) == [expected])
        } else {
            #expect(!file.problems.isEmpty)
        }
    }

    @Test("continued lines, comments and blank lines, with the number of the first line in complaints")
    func lines() {
        let file = RequirementsFile("# all\n\nnumpy \\\n  >=1.26, \\\n  <3   # both\npandas\r\n\n-e .\n--pre\n")
        #expect(file.requirements.map(\.text) == ["numpy<3,>=1.26", "pandas"])
        #expect(file.problems.count == 1)
        #expect(file.problems.first?.hasPrefix("line 8: -e is not taken") ?? false, "\(file.problems)")
        #expect(file.takesPreReleases)
    }

    @Test(
        "what reaches outside of the file is refused with what would be right",
        arguments: [
            ("-r base.txt", "put the lines of that file here"), ("-rbase.txt", "put the lines"),
            ("--constraint c.txt", "write the versions"), ("-e git+https://x/y#egg=z", "source tree"),
            ("--index-url https://x", "`python.index`"), ("-i https://x", "`python.index`"),
            ("--extra-index-url=https://x", "`python.extra_indexes`"), ("-f wheels", "`python.links`"),
            ("--trusted-host x", "`python.trusted_hosts`"), ("git+https://github.com/a/b", "index"),
            ("https://x/y.whl", "index"), ("./local", "source tree"), ("/abs/x.whl", "source tree"),
            ("x @ https://x/y.whl", "`x==1.2.3`"), ("--no-binary :all:", "only wheels"), ("--frobnicate", "not taken"),
            ("numpy=1.2", "`numpy==1.2`"), ("numpy 1.2", "no version"), ("x --hash=md5:00", "no hash"),
            ("x --install-option=y", "not taken"), ("x ;", "nothing follows"), ("-", "not taken"),
            ("x[y", "not closed"),
            ("x==1\u{7}", "no version"),
        ])
    func refused(_ line: String, _ part: String) {
        let file = RequirementsFile(line)
        #expect(file.problems.first?.contains(part) ?? false, "\(line): \(file.problems)")
        #expect(file.requirements.isEmpty)
    }
}
