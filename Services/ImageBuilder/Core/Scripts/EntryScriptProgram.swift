extension EntryScriptChecker {
    /// Reads a script from its standard input and says what is in it, one fact a line; nothing of it is run. Limits first:
    /// a few letters may be a tree that no memory holds.
    static let program = #"""
        import resource, sys
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        import ast
        def say(*words):
            line = "\t".join("".join(c if c.isprintable() else " " for c in str(word)) for word in words)
            sys.stdout.buffer.write(("fact\t%s\n" % line).encode("utf-8", "replace"))
        try:
            tree = ast.parse(sys.stdin.buffer.read(), "script", "exec")
            symbols = compile(tree, "script", "exec", dont_inherit=True) and tree
        except SyntaxError as error:
            say("syntax", error.lineno or 0, error.offset or 0, error.msg, (error.text or "").strip()[:100])
            sys.exit(0)
        except ValueError as error:
            say("syntax", 0, 0, error, "")
            sys.exit(0)
        except (RecursionError, MemoryError):
            say("deep")
            sys.exit(0)
        def statements(body):
            for statement in body:
                yield statement
                for part in ("body", "orelse", "finalbody"):
                    if isinstance(statement, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
                        yield from statements(getattr(statement, part, []))
                for handler in getattr(statement, "handlers", []):
                    yield from statements(handler.body)
        def names(target):
            if isinstance(target, ast.Name):
                yield target.id
            for inner in getattr(target, "elts", []):
                yield from names(inner)
        found, is_open = {}, False
        for statement in statements(tree.body):
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found[statement.name] = statement
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                for alias in statement.names:
                    if alias.name == "*":
                        is_open = True
                    found[alias.asname or alias.name.split(".")[0]] = statement
            elif isinstance(statement, ast.Assign):
                for target in statement.targets:
                    for name in names(target):
                        found[name] = statement
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                for name in names(statement.target):
                    found[name] = statement
        def describe(name):
            node = found.get(name)
            if node is None:
                say(name, "open" if is_open else "none", 0, 0)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                arguments = node.args
                plain = arguments.posonlyargs + arguments.args
                needed = len(plain) - len(arguments.defaults) + sum(d is None for d in arguments.kw_defaults)
                named = [argument.arg for argument in plain + arguments.kwonlyargs]
                say(name, "function", node.lineno, node.col_offset + 1, needed, bool(node.decorator_list),
                    bool(arguments.vararg or arguments.kwarg or arguments.posonlyargs), *named)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                say(name, "open", node.lineno, node.col_offset + 1)
            elif isinstance(node, ast.ClassDef):
                say(name, "other", node.lineno, node.col_offset + 1, "a class")
            else:
                value = node.value
                if isinstance(value, (ast.Constant, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.JoinedStr)):
                    say(name, "other", node.lineno, node.col_offset + 1, "a value")
                else:
                    say(name, "open", node.lineno, node.col_offset + 1)
        describe("run")
        describe("init")
        describe("driver_module")
        modules = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                modules.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                modules.add(node.module.split(".")[0])
        for module in sorted(modules)[:2000]:
            say("import", module)
        say("end")
        """#
}
