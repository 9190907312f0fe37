"""What cases ask of a command."""


def expect(result, code=0, out=None, err=None):
    told = f"exit code {result.returncode}\nstdout: {result.stdout}\nstderr: {result.stderr}"
    assert result.returncode == code, told
    assert out is None or result.stdout == out, told
    for part in [err] if isinstance(err, str) else err or []:
        assert part in result.stderr, f"{part!r} is missing\n{told}"
    return result
