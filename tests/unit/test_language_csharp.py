"""How C# code says that it starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ddd_tasks.errors import ConfigError
from ddd_tasks.language import Entry
from ddd_tasks.languages.csharp import CSHARP, entries
from ddd_tasks.scaffold import rendering
from tests.support import REPO

WEB = '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>'
PROGRAM = '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType></PropertyGroup></Project>'
LIBRARY = '<Project Sdk="Microsoft.NET.Sdk"></Project>'
TESTS = '<Project Sdk="Microsoft.NET.Sdk"><ItemGroup><PackageReference Include="xunit" /></ItemGroup></Project>'


def write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def only(folder: Path, files: Mapping[str, str]) -> Entry:
    write(folder, files)
    (entry,) = entries(folder)
    return entry


def test_the_example_starts_as_its_dockerfile_says() -> None:
    (entry,) = entries(REPO / "examples" / "csharp")
    text = (REPO / "docker" / "csharp" / "Dockerfile").read_text()
    assert rendering.render(CSHARP, CSHARP.managers[0], entry) == text


def test_a_web_project_is_told_its_port(tmp_path: Path) -> None:
    entry = only(tmp_path, {"Shop.csproj": WEB, "Program.cs": 'app.MapGet("/", () => "hello");'})
    assert (entry.knobs["APP"], entry.port, entry.health) == ("Shop.csproj", 8080, None)
    assert entry.why == "Shop.csproj is an ASP.NET Core service"


@pytest.mark.parametrize(
    "files",
    [
        {"Program.cs": 'builder.WebHost.UseUrls("http://*:5005");'},
        {"Program.cs": 'app.Run("http://0.0.0.0:5005");'},
        {"Program.cs": "options.ListenAnyIP(5005);"},
        {"Program.cs": 'listener.Prefixes.Add($"http://+:5005/");'},
        {"Program.cs": "new TcpListener(IPAddress.Any, 5005)"},
        {"Program.cs": 'var port = Environment.GetEnvironmentVariable("PORT") ?? "5005";'},
        {"appsettings.json": '{\n// ours\n"Kestrel": {"Endpoints": {"Http": {"Url": "http://*:5005"}}}}'},
        {"appsettings.json": '{"Urls": "http://*:5005"}'},
        {
            "Properties/launchSettings.json": '{"profiles": {"https": {"commandName": "Project",'
            ' "applicationUrl": "https://localhost:7005;http://localhost:5005"}}}'
        },
    ],
)
def test_code_and_settings_name_the_port(tmp_path: Path, files: Mapping[str, str]) -> None:
    entry = only(tmp_path, {"Shop.csproj": WEB, **files})
    assert entry.port == 5005
    assert entry.why.endswith(f"{next(iter(files))} names its port")


def test_code_beats_settings_and_comments_are_no_code(tmp_path: Path) -> None:
    entry = only(
        tmp_path,
        {
            "Shop.csproj": WEB,
            "Program.cs": '// app.Run("http://*:1111");\nbuilder.WebHost.UseUrls("http://*:2222");',
            "appsettings.json": '{"Urls": "http://*:3333"}',
        },
    )
    assert entry.port == 2222


def test_settings_that_are_no_json_say_nothing(tmp_path: Path) -> None:
    assert only(tmp_path, {"Shop.csproj": WEB, "appsettings.json": "[not json"}).port == 8080


@pytest.mark.parametrize(
    ("code", "health"),
    [
        ('app.MapHealthChecks("/livez/all");', "/livez/all"),
        ('app.MapGet("/healthz", () => "ok");', "/healthz"),
        ('app.MapGet("/", () => "ok");', None),
    ],
)
def test_the_code_shows_its_health(tmp_path: Path, code: str, health: str | None) -> None:
    assert only(tmp_path, {"Shop.csproj": WEB, "Program.cs": code}).health == health


def test_a_program_that_names_no_port_listens_on_none(tmp_path: Path) -> None:
    assert only(tmp_path, {"Job.csproj": PROGRAM, "Program.cs": "Console.WriteLine(1);"}).port is None


def test_a_program_that_asks_for_its_port_is_told_one(tmp_path: Path) -> None:
    code = 'int.Parse(Environment.GetEnvironmentVariable("PORT"))'
    assert only(tmp_path, {"Job.csproj": PROGRAM, "Program.cs": code}).port == 8080


def test_the_web_comes_first_and_libraries_and_tests_do_not_count(tmp_path: Path) -> None:
    entry = only(
        tmp_path,
        {
            "Shop.sln": "",
            "src/Api/Api.csproj": WEB,
            "src/Domain/Domain.csproj": LIBRARY,
            "src/Api/Program.cs": "options.ListenAnyIP(5005);",
            "src/Tool/Tool.csproj": PROGRAM,
            "tests/Api.Tests/Api.Tests.csproj": TESTS,
            "src/Api/obj/Old.csproj": WEB,
        },
    )
    assert entry.knobs == {"APP": "src/Api/Api.csproj", "TESTS": "Shop.sln"}
    assert entry.variants == ("dotnet-test", "unformatted")
    assert entry.why == "src/Api/Api.csproj is an ASP.NET Core service, and src/Api/Program.cs names its port"


def test_two_services_are_a_question_and_app_answers_it(tmp_path: Path) -> None:
    write(tmp_path, {"Shop.sln": "", "src/Api/Api.csproj": WEB, "src/Admin/Admin.csproj": WEB})
    assert [entry.knobs["APP"] for entry in entries(tmp_path)] == ["src/Admin/Admin.csproj", "src/Api/Api.csproj"]
    (entry,) = entries(tmp_path, "./src/Api/Api.csproj")
    assert entry.knobs["APP"] == "src/Api/Api.csproj"
    assert entries(tmp_path, "src/Nothing.csproj") == ()


@pytest.mark.parametrize(
    ("files", "tests", "variants"),
    [
        ({}, "", ("untested",)),
        ({"tests/tests.csproj": PROGRAM}, "tests/tests.csproj", ()),
        ({"a/A.Tests.csproj": TESTS, "b/B.Tests.csproj": TESTS}, "a/A.Tests.csproj b/B.Tests.csproj", ("dotnet-test",)),
    ],
)
def test_tests_are_a_platforms_a_program_or_none(
    tmp_path: Path, files: Mapping[str, str], tests: str, variants: tuple[str, ...]
) -> None:
    entry = only(tmp_path, {"Shop.csproj": WEB, ".editorconfig": "", **files})
    assert (entry.knobs["TESTS"], entry.variants) == (tests, variants)


def test_a_project_of_the_net_framework_is_not_started(tmp_path: Path) -> None:
    old = '<Project xmlns="http://schemas.microsoft.com/developer/msbuild/2003"><PropertyGroup>'
    write(tmp_path, {"Old.csproj": old + "<OutputType>Exe</OutputType></PropertyGroup></Project>"})
    assert entries(tmp_path) == ()


def test_a_project_file_that_is_no_xml_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"Shop.csproj": "<Project"})
    with pytest.raises(ConfigError, match=r"Shop\.csproj is no XML"):
        entries(tmp_path)


@pytest.mark.parametrize("name", ["dotnet-test", "untested", "unformatted"])
def test_every_variant_fits_the_dockerfile(name: str) -> None:
    entry = Entry({"APP": "src/My Api/Api.csproj", "TESTS": ""}, 5005, None, "", (name,))
    text = rendering.render(CSHARP, CSHARP.managers[0], entry)
    assert text.count('ENV APP="src/My Api/Api.csproj" TESTS="" PORT=5005 HEALTH=""\n') == 2
