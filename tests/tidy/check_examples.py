"""Every example loads with the meridianctl just built, without a warning."""

import subprocess

from source_tree import Violation, main


def check(root, build):
    program = build / "bin" / "meridianctl"
    if not program.exists():
        yield Violation("src/meridianctl/main.cpp", 1, "meridianctl is not built, so no example was checked")
        return
    folders = sorted(path for path in (root / "config" / "examples").iterdir() if path.is_dir())
    if not folders:
        yield Violation("config/README.md", 1, "config/examples holds no example")
    for folder in folders:
        name = str(folder.relative_to(root))
        sites = sorted(path.relative_to(root) for path in folder.glob("*.yaml"))
        calls = [[f"{name}/map"]] + [["--site", str(site)] for site in sites]
        for arguments in calls:
            run = subprocess.run([program, "check", *arguments], cwd=root, capture_output=True, text=True,
                                 timeout=60, check=False)
            if run.returncode != 0 or run.stderr:
                said = run.stderr.strip() or f"exit code {run.returncode}"
                yield Violation(arguments[-1], 1, f"meridianctl check {' '.join(arguments)}: {said}")


if __name__ == "__main__":
    main(check, needs_build=True)
