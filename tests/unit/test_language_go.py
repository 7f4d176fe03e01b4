"""How Go code says what is started, where it listens and what tells its health."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddd_tasks.errors import ConfigError
from ddd_tasks.languages.go import entries
from tests.support import REPO

SERVER = 'package main\n\nimport "net/http"\n\nfunc main() {\n\t_ = http.ListenAndServe(%s, nil)\n}\n'
TOOL = "package main\n\nfunc main() {}\n"


def module(directory: Path, files: dict[str, str]) -> Path:
    for path, text in {"go.mod": "module example.test/shop\n\ngo 1.24\n", **files}.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return directory


def apps(directory: Path) -> list[str]:
    return [entry.knobs["APP"] for entry in entries(directory)]


def test_the_example_is_its_own_program() -> None:
    (entry,) = entries(REPO / "examples" / "go")
    assert (entry.knobs, entry.port, entry.health, entry.variants) == ({"APP": "."}, 8080, "/health", ())
    assert "port 8080" in entry.why


def test_what_listens_is_the_service_and_the_tools_beside_it_are_not(tmp_path: Path) -> None:
    files = {
        "cmd/migrate/main.go": TOOL,
        "cmd/shopd/main.go": SERVER % '":9000"',
        "examples/server/main.go": SERVER % '":1"',
        "vendor/example.test/other/main.go": SERVER % '":2"',
        "tools.go": "//go:build tools\n\npackage main\n\nfunc main() {}\n",
        "other/go.mod": "module example.test/other\n",
        "other/main.go": SERVER % '":3"',
        "main_test.go": SERVER % '":4"',
    }
    (entry,) = entries(module(tmp_path, files))
    assert (entry.knobs["APP"], entry.port) == ("./cmd/shopd", 9000)


def test_two_that_are_as_likely_are_both_named(tmp_path: Path) -> None:
    module(tmp_path, {"cmd/one/main.go": SERVER % '":1001"', "cmd/two/main.go": SERVER % '":1002"'})
    assert apps(tmp_path) == ["./cmd/one", "./cmd/two"]
    module(tmp_path, {"cmd/server/main.go": SERVER % '":1003"'})
    assert apps(tmp_path) == ["./cmd/server"]
    module(tmp_path, {"cmd/api/main.go": SERVER % '":1005"'})
    assert apps(tmp_path) == ["./cmd/api", "./cmd/server"]
    module(tmp_path, {"main.go": SERVER % '":1004"'})
    assert apps(tmp_path) == ["."]


@pytest.mark.parametrize("given", ["./cmd/one", "cmd/one", "./cmd/one/"])
def test_the_program_that_the_user_names_is_the_service(tmp_path: Path, given: str) -> None:
    module(tmp_path, {"cmd/one/main.go": TOOL, "cmd/two/main.go": SERVER % '":1002"'})
    (entry,) = entries(tmp_path, given)
    assert (entry.knobs["APP"], entry.port, entry.variants) == ("./cmd/one", None, ("worker",))
    assert entries(tmp_path, "./cmd/three") == ()


def test_what_a_program_imports_of_its_module_counts(tmp_path: Path) -> None:
    files = {
        "cmd/api/main.go": 'package main\n\nimport "example.test/shop/internal/web"\n\nfunc main() { web.Run() }\n',
        "internal/web/web.go": (
            'package web\n\nimport (\n\t"net/http"\n\n\t"example.test/shop/internal/config"\n)\n\n'
            'func Run() {\n\thttp.HandleFunc("GET /healthz", ok)\n\thttp.ListenAndServe(config.Address, nil)\n}\n'
        ),
        "internal/config/config.go": 'package config\n\nvar Address = ":7070"\n',
        "internal/unused/unused.go": 'package unused\n\nconst Address, health = ":6060", "/health"\n',
    }
    (entry,) = entries(module(tmp_path, files))
    assert (entry.knobs["APP"], entry.port, entry.health) == ("./cmd/api", 7070, "/healthz")


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ('http.ListenAndServe(":8081", nil)', 8081),
        ('http.ListenAndServe("0.0.0.0:8082", nil)', 8082),
        ('&http.Server{Addr: "localhost:8083"}', 8083),
        ('port := os.Getenv("PORT"); if port == "" { port = "8084" }; http.ListenAndServe(":"+port, nil)', 8084),
        ('http.ListenAndServe(":"+getenv("PORT", "8085"), nil)', 8085),
        ('var httpPort = flag.Int("http-port", 8086, "port"); net.Listen("tcp", address)', 8086),
        ('import "github.com/gin-gonic/gin"\nfunc f() { gin.Default().Run(":8087") }', 8087),
        ('redis := "redis:6379"\nhttp.ListenAndServe(":8088", nil)', 8088),
        ('db := getenv("DB_PORT", "5432")\nhttp.ListenAndServe(":"+getenv("PORT", "8092"), nil)', 8092),
        ("c := C{DBPort: 5432,\nPort: 8093}\nhttp.ListenAndServe(c.address(), nil)", 8093),
        ('go http.ListenAndServe("localhost:6060", pprof)\nhttp.ListenAndServe(":8089", nil)', 8089),
        ('// was: ":1111"\n/* ":2222" */ http.ListenAndServe(":8090", nil)', 8090),
        ('const help = "see http://localhost:3"\nhttp.ListenAndServe(":8091", nil)', 8091),
        ('transport := 77; http.ListenAndServe(os.Getenv("ADDRESS"), nil)', 8080),
    ],
)
def test_the_port_is_the_one_that_is_listened_on(tmp_path: Path, code: str, port: int) -> None:
    (entry,) = entries(module(tmp_path, {"main.go": f"package main\n\n{code}\n\nfunc main() {{}}\n"}))
    assert entry.port == port


def test_without_a_program_there_is_no_entry(tmp_path: Path) -> None:
    assert entries(tmp_path) == ()
    assert entries(module(tmp_path, {"shop.go": "package shop\n"})) == ()


def test_a_go_mod_without_a_module_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("go 1.24\n")
    with pytest.raises(ConfigError, match=str(tmp_path / "go.mod")):
        entries(tmp_path)
