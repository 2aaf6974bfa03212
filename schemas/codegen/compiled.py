"""What is proven of the types in languages that are compiled: they compile, and messages survive them."""

from __future__ import annotations

import shutil
from pathlib import Path

from codegen.outcome import Missing
from codegen.samples import compare, samples
from codegen.tools import HERE, need, run, site, version

__all__ = ["csharp", "go", "java", "java_http", "kotlin", "rust"]

PROOFS = HERE / "proofs"
BUNDLE = "vcsp.messages.json"
CRATES = Path("/usr/share/cargo/registry")
"""Where Debian keeps the sources of crates."""
ANNOTATIONS = Path("/usr/share/java/geronimo-annotation-1.3-spec.jar")
NEWTONSOFT = Path("/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll")


def go(folder: Path) -> tuple[str, ...]:
    """Vet and run the Go types."""
    need("go")
    (folder / "go.mod").write_text("module example\n\ngo 1.19\n", encoding="utf-8")
    (folder / "vcsp").mkdir()
    shutil.move(folder / "vcsp.go", folder / "vcsp")
    shutil.copy(PROOFS / "main.go", folder)
    offline = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    run(["go", "vet", "./..."], folder, extra=offline)
    run(["go", "build", "-o", "survive", "."], folder, extra=offline)
    _survive(["./survive"], folder)
    return (version("go", "version"),)


def java(folder: Path) -> tuple[str, ...]:
    """Compile and run the Java types, with the Jackson that is inside openapi-generator."""
    need("javac", "java")
    shutil.copy(PROOFS / "Main.java", folder)
    jackson = _jar("openapi_generator_cli/*.jar")
    run(["javac", "-Xlint:-options", "-d", "classes", "-cp", jackson, *folder.glob("*.java")], folder)
    _survive(["java", "-cp", f"classes:{jackson}", "Main"], folder)
    return (version("javac", "-version"),)


def java_http(folder: Path) -> tuple[str, ...]:
    """Compile the Java HTTP client, with the Jackson that is inside openapi-generator."""
    need("javac")
    if not ANNOTATIONS.exists():
        raise Missing("javax.annotation")
    path = f"{_jar('openapi_generator_cli/*.jar')}:{ANNOTATIONS}"
    run(["javac", "-nowarn", "-d", "classes", "-cp", path, *folder.glob("client/src/main/**/*.java")], folder)
    return (version("javac", "-version"),)


def kotlin(folder: Path) -> tuple[str, ...]:
    """Compile the Kotlin types with the compiler that is inside the Jupyter kernel.

    To run them takes the compiler's serialization plugin, which no registry of packages for Python has.
    """
    need("java")
    kernel = _jar("run_kotlin_kernel/jars/kotlin-jupyter-kernel-*-all.jar")
    jars = kernel.parent
    own = [str(path) for name in ("kotlin-*.jar", "annotations-*.jar") for path in sorted(jars.glob(name))]
    libraries = [str(path) for name in ("kotlin-stdlib-*.jar", "kotlinx-*.jar") for path in sorted(jars.glob(name))]
    compiler = ["java", "-cp", ":".join(own), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"]
    options = ["-no-stdlib", "-no-reflect", "-Werror", "-cp", ":".join(libraries), "-d", "classes"]
    run([*compiler, *options, "Vcsp.kt"], folder)
    return (version(*compiler, "-version").replace("java", "kotlinc"),)


def csharp(folder: Path) -> tuple[str, ...]:
    """Compile and run the C# types with Mono."""
    need("mcs", "mono")
    if not NEWTONSOFT.exists():
        raise Missing("Newtonsoft.Json")
    for path in (PROOFS / "Main.cs", NEWTONSOFT):
        shutil.copy(path, folder)
    run(["mcs", "-warnaserror", "-out:survive.exe", f"-r:{NEWTONSOFT.name}", "Vcsp.cs", "Main.cs"], folder)
    _survive(["mono", "survive.exe"], folder)
    return (version("mcs", "--version"),)


def rust(folder: Path) -> tuple[str, ...]:
    """Compile and run the Rust types, with the crates that Debian has, if they are there."""
    need("cargo", "rustc")
    (folder / "src").mkdir()
    shutil.move(folder / "vcsp.rs", folder / "src")
    shutil.copy(PROOFS / "main.rs", folder / "src")
    shutil.copy(PROOFS / "Cargo.toml", folder)
    offline = []
    if any(CRATES.glob("serde_json-*")):
        replace = 'source.crates-io.replace-with="debian"'
        offline = ["--offline", "--config", replace, "--config", f'source.debian.directory="{CRATES}"']
    run(["cargo", "build", "--quiet", *offline], folder, extra={"CARGO_TARGET_DIR": str(folder / "target")})
    _survive(["target/debug/example"], folder)
    return (version("rustc", "--version"),)


def _jar(pattern: str) -> Path:
    found = sorted(site().glob(pattern))
    if not found:
        raise Missing(f"{pattern}: run `make codegen`")
    return found[-1]


def _survive(command: list[str], folder: Path) -> None:
    given = samples(folder / BUNDLE)
    compare(given, run(command, folder, text=given))
