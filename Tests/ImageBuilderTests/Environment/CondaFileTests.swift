import Testing

@testable import ImageBuilderCore

@Suite("Conda environments")
struct CondaFileTests {
    @Test("the file that tutorials show becomes requirements of pip")
    func usual() throws {
        let file = try CondaFile(
            """
            # the model's
            name: churn
            channels: [conda-forge, defaults]
            dependencies:
              - python=3.11
              - pip
              - numpy=1.26   # conda's
              - conda-forge::pandas >=2,<3
              - scikit-learn=1.4.2=py311h0_0
              - py-xgboost
              - pytorch==2.*
              - scipy 1.11*
              - pip:
                - azureml-defaults>=1.50
                - "mlflow[extras]==2.1 ; python_version < '4'"
            """)
        #expect(file.problems.isEmpty && file.onlyConda.isEmpty, "\(file.problems) \(file.onlyConda)")
        #expect(
            file.requirements.map(\.text) == [
                "numpy==1.26.*", "pandas<3,>=2", "scikit-learn==1.4.2", "xgboost", "torch==2.*", "scipy==1.11.*",
                "azureml-defaults>=1.50", "mlflow[extras]==2.1 ; python_version < \"4\"",
            ])
        #expect(file.python?.description == "=3.11")
        #expect(file.notes.count == 1)
    }

    @Test("packages that only conda has are named all at once, each with what to do")
    func onlyConda() throws {
        let file = try CondaFile(
            "dependencies:\n- cudatoolkit=11.8\n- mkl\n- libgcc-ng\n- numpy\n- hdf5\n- my-own-thing>=1\n")
        #expect(file.onlyConda.count == 5)
        #expect(file.onlyConda.contains { $0.hasPrefix("hdf5 (pip: h5py") })
        #expect(file.onlyConda.contains { $0.hasPrefix("my-own-thing (if PyPI has it") })
        let error = #expect(throws: BuildFailure.self) {
            try EnvironmentPlan(
                EnvironmentRequest(fileName: "e.yml", text: "dependencies: [mkl, gcc]"),
                own: #require(PythonVersion("3.11.2")))
        }
        #expect(error?.code == "dependencies.conda")
        #expect(error?.message.contains("mkl (") ?? false)
        #expect(error?.message.contains("gcc (") ?? false)
    }

    @Test(
        "what is wrong is said with its line",
        arguments: [
            ("name: x\ndependencies:\n  - numpy\n  - pip:\n    - -r other.txt\n", "line 5: -r is not followed"),
            ("dependencies:\n- numpy|scipy\n", "line 2"), ("dependencies:\n- numpy[version='>1']\n", "line 2"),
            ("dependencies:\n- numpy=1.2|1.3\n", "line 2"), ("dependencies:\n- {conda: x}\n", "line 2"),
            ("depends:\n- numpy\n", "line 2: `depends`"), ("name: x\n", "no `dependencies:`"),
            ("dependencies:\n- python=new\n", "line 2"),
            ("variables:\n  A: b\ndependencies: []", "line 2: `variables`"),
            ("- numpy\n", "no `dependencies:`"), ("dependencies: numpy", "line 1"),
        ])
    func wrong(_ text: String, _ part: String) throws {
        let file = try CondaFile(text)
        #expect(file.problems.contains { $0.contains(part) }, "\(file.problems)")
    }

    @Test(
        "versions of Python",
        arguments: [
            ("3.11", "3.11.2", true), ("=3.11", "3.11.2", true), ("==3.11.2", "3.11.2", true),
            ("3.12", "3.11.2", false),
            (">=3.9,<3.12", "3.11.2", true), (">=3.12", "3.11.2", false), ("==3.11.5", "3.11.2", false),
            ("3.11.5", "3.11", true), ("~=3.10", "3.11.2", true), ("3.*", "3.11.2", true),
            ("!=3.11.*", "3.11.2", false),
            ("<3.11", "3.11.2", false), ("<=3.11.2", "3.11.2", true), (">3.11", "3.11.2", true), ("3", "3.11.2", true),
            ("3.11.2 h1234_0", "3.11.2", true), (">=3.11.3", "3.11", true),
        ])
    func pythons(_ constraint: String, _ version: String, _ fits: Bool) throws {
        #expect(try PythonConstraint(constraint).allows(#require(PythonVersion(version))) == fits)
    }
}
