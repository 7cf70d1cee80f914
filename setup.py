"""Build the one extension, fastws._codec; everything else is said in pyproject.toml.

Switches, read from the environment:
    FASTWS_NO_EXTENSIONS=1: make the pure wheel, py3-none-any.
    FASTWS_REQUIRE_EXTENSIONS=1: an extension that does not build fails the build.
    neither: try; where it does not build, warn and make the pure wheel.
    FASTWS_WERROR=1: warnings of Cython and of the C compiler are errors (CI).

Cython's directives stand at the top of _codec.pyx, not here.
"""

import os
import sys
import sysconfig
from glob import glob

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

NO_CORE = """
********************************************************************************
WARNING: fastws was built WITHOUT its compiled core: {error}
It works, in pure Python and much slower. For the core, install a C compiler and
Python's headers, and build again, with pip's --no-cache-dir.
FASTWS_REQUIRE_EXTENSIONS=1 shows what failed, FASTWS_NO_EXTENSIONS=1 silences this.
********************************************************************************
"""


def switched_on(name: str) -> bool:
    """Tell whether an environment variable asks for something: set, and neither empty nor 0."""
    return os.environ.get(name, "") not in ("", "0")


# How to leave local symbols out, on the platforms whose linkers know it.
STRIP = {"linux": ["-Wl,-s"], "macosx": ["-Wl,-x"]}

REQUIRED = switched_on("FASTWS_REQUIRE_EXTENSIONS")
PURE = switched_on("FASTWS_NO_EXTENSIONS")
STRICT = switched_on("FASTWS_WERROR")


class BuildCore(build_ext):
    """Cythonize and compile the core, or leave it out where that is allowed."""

    def finalize_options(self) -> None:
        super().finalize_options()
        # Generated C beside its source ends up in source distributions, and hides the .pyx there.
        self.cython_c_in_temp = True

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:  # a compiler that is not there, or too old, or Cython's faults
            if REQUIRED:
                raise
            sys.stderr.write(NO_CORE.format(error=error))
            self.leave_out()

    def build_extension(self, ext: Extension) -> None:
        try:
            from Cython.Compiler import Options
        except ImportError as error:
            raise RuntimeError("Cython is not installed") from error
        Options.warning_errors = STRICT
        options = compiler_options(self.compiler.compiler_type, self.debug)
        ext.extra_compile_args, ext.extra_link_args = options
        super().build_extension(ext)

    def leave_out(self) -> None:
        """Go on as if there were no extension, so that the wheel is tagged as what it is."""
        self.extensions = self.distribution.ext_modules = []
        wheel = self.distribution.get_command_obj("bdist_wheel", create=False)
        if wheel is not None:
            wheel.root_is_pure = True


def compiler_options(compiler_type: str, debug: bool) -> tuple[list[str], list[str]]:
    """Give what to pass to this kind of compiler, and to its linker."""
    if compiler_type == "msvc":
        return ["/std:c11", *(["/WX"] if STRICT else [])], []
    compile_args = ["-std=c11", "-fvisibility=hidden", "-Werror=implicit-function-declaration"]
    # What the caller asks for in CFLAGS (sanitizers, debuggers) wins over our own choice.
    asked = os.environ.get("CFLAGS", "").split()
    if not debug and not any(flag.startswith("-O") for flag in asked):
        compile_args.append("-O3")
    if STRICT:
        compile_args += ["-Wall", "-Wextra", "-Werror"]
    if debug or any(flag.startswith("-g") for flag in asked):
        return compile_args, []
    # Interpreters are built with -g, and hand it on.
    return [*compile_args, "-g0"], STRIP.get(sysconfig.get_platform().partition("-")[0], [])


def extensions() -> list[Extension]:
    """Give the core, or nothing where it is not wanted."""
    if PURE and REQUIRED:
        raise SystemExit("FASTWS_NO_EXTENSIONS and FASTWS_REQUIRE_EXTENSIONS exclude each other")
    # Elsewhere than on CPython the C interface is emulated, and slower than the pure twin.
    if PURE or (sys.implementation.name != "cpython" and not REQUIRED):
        return []
    core = Extension(
        "fastws._codec",
        sources=["fastws/_codec.pyx", *sorted(glob("fastws/_kernels/*.c"))],
        include_dirs=["fastws"],
        depends=["setup.py", *glob("fastws/*.px[di]"), *glob("fastws/**/*.h", recursive=True)],
    )
    return [core]


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildCore})
