"""The `dotnet` of the stand-in for the .NET SDK does what the real one does, and refuses the rest by name."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from ddd_tasks.engine import bases
from ddd_tasks.engine.api import Engine
from tests import support

SDK = "mcr.microsoft.com/dotnet/sdk:10.0"
PROJECT = '<Project Sdk="Microsoft.NET.Sdk">{}</Project>'
PROGRAM = PROJECT.format("<PropertyGroup><OutputType>Exe</OutputType></PropertyGroup>")
CODE = """\
public static class P {
    public static int Main(string[] args) { System.Console.WriteLine("ran " + string.Join("|", args)); return 7; }
}"""
REFUSED = {
    '<ItemGroup><PackageReference Include="Dapper" Version="2.1.1" /></ItemGroup>': "needs the package Dapper",
    "<PropertyGroup><Nullable>enable</Nullable></PropertyGroup>": "sets Nullable to 'enable'",
    '<Target Name="Extra" />': "has <Target>",
    "<PropertyGroup Condition=\"'$(X)' == ''\" />": "has a condition at <PropertyGroup>",
    '<ItemGroup><Compile Remove="a/*/b.cs" /></ItemGroup>': "has <Compile> with 'a/*/b.cs'",
}


@pytest.fixture(scope="module")
def stand_in(engine: Engine) -> str:
    return bases.build(engine, bases.recipes()[SDK])


def run(image: str, files: Mapping[str, str], script: str) -> support.Ran:
    """Run a shell script in a folder with these files."""
    lines = ["mkdir /tmp/code && cd /tmp/code"]
    for path, text in files.items():
        lines.append(f"mkdir -p $(dirname {path}) && cat >{path} <<'END'\n{text}\nEND")
    argv = ("docker", "run", "--rm", "-i", "--network", "none", "--name", support.unique("dotnet"), image, "sh")
    return support.run(*argv, stdin="\n".join([*lines, script]).encode())


def test_what_it_does_not_understand_is_refused_by_name(stand_in: str) -> None:
    files = {f"p{number}/p.csproj": PROJECT.format(part) for number, part in enumerate(REFUSED)}
    files["web/web.csproj"] = '<Project Sdk="Microsoft.NET.Sdk.Web" />'
    files["q/Directory.Build.props"] = "<Project />"
    files["q/q.csproj"] = PROGRAM
    script = (
        "for folder in */; do dotnet build $folder; echo $? >&2; done; "
        "dotnet test web; echo $? >&2; dotnet ef database update; echo $? >&2"
    )
    said = run(stand_in, files, script).err
    for words in [
        *REFUSED.values(),
        "uses the SDK 'Microsoft.NET.Sdk.Web'",
        "q/Directory.Build.props applies to",
        "`dotnet test` cannot run",
        "`dotnet ef` is not known",
    ]:
        assert words in said
    answers = said.count("this `dotnet` is a stand-in for the .NET SDK"), said.count("try: docker pull " + SDK)
    assert answers == (len(REFUSED) + 4, len(REFUSED) + 4)
    assert [line for line in said.splitlines() if line.isdigit()] == ["1"] * (len(REFUSED) + 4)


def test_status_arguments_and_references_are_the_programs(stand_in: str) -> None:
    library = 'public static class L { public static string Text = "library"; }'
    user = CODE.replace('"ran "', 'L.Text + " "')
    files = {
        "a/a.csproj": PROGRAM.replace(
            "</Project>", '<ItemGroup><ProjectReference Include="../l/l.csproj" /></ItemGroup></Project>'
        ),
        "a/A.cs": user,
        "l/l.csproj": PROJECT.format(""),
        "l/L.cs": library,
    }
    ran = run(stand_in, files, "dotnet run --project a -- one 'two words'; echo $?")
    assert ran.out == "library one|two words\n7\n", ran.err


def test_no_restore_needs_a_restore_and_outputs_leave_the_project(stand_in: str) -> None:
    script = (
        "export ArtifactsPath=/tmp/out; dotnet build --no-restore; echo $?; dotnet restore >/dev/null; "
        "dotnet build --no-restore >/dev/null; echo $?; find . -type f | sort; ls /tmp/out/bin/p/debug"
    )
    ran = run(stand_in, {"p.csproj": PROGRAM, "P.cs": CODE}, script)
    assert ran.out.split() == ["1", "0", "./P.cs", "./p.csproj", "p.dll", "p.runtimeconfig.json"], ran.err
    assert "project.assets.json' not found" in ran.err


def test_an_error_of_the_code_is_shown_once_with_its_place(stand_in: str) -> None:
    ran = run(stand_in, {"p.csproj": PROGRAM, "P.cs": "public class P {\n  nonsense\n}"}, "dotnet build")
    assert ran.status == 1
    assert (ran.out + ran.err).count("P.cs(3,") == 1
    assert "Build FAILED." in ran.err


def test_format_finds_whitespace_and_repairs_it(stand_in: str) -> None:
    code = CODE + " \n\t// tab"
    script = "dotnet format --verify-no-changes; echo $?; dotnet format; dotnet format --verify-no-changes; echo $?"
    ran = run(stand_in, {"p.csproj": PROGRAM, "P.cs": code}, script)
    assert ran.out.count("error WHITESPACE") == 2
    assert [line for line in ran.out.splitlines() if line.isdigit()] == ["2", "0"]


def test_it_says_what_it_is(engine: Engine, stand_in: str) -> None:
    labels = engine.get(f"/images/{stand_in}/json")["Config"]["Labels"]
    assert labels[bases.STAND_IN_LABEL] == SDK, json.dumps(labels)
    assert run(stand_in, {}, "dotnet --version").out == "10.0.199-standin\n"
