"""meridianctl as a program: help, exit codes, messages, completion, schemas."""

import json
import re
import shlex
import subprocess

import pytest

from harness import EXAMPLE, REPOSITORY

COMMANDS = ["anycast", "audit", "check", "completion", "cookie-secret", "demand", "drain", "epochs", "explain", "force", "geoip", "health",
            "history", "import", "map", "overrides", "plan", "reload", "report", "rollback", "schema", "shed", "status", "undrain",
            "upgrade", "version"]
KINDS = ["datacenters", "expect", "maps", "meridian", "regions", "services"]
VERSION = re.search(r"^project\(meridian VERSION (\S+)", (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8"),
                    re.MULTILINE).group(1)


def test_help_lists_every_command(programs):
    done = programs.ctl("--help")
    assert done.returncode == 0 and not done.stderr
    listed = re.findall(r"^  ([a-z-]+)  ", done.stdout.split("Subcommands:")[1], re.MULTILINE)
    assert sorted(listed) == COMMANDS, "a command without a test here, or one that went away"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(programs, command):
    done = programs.ctl(command, "--help")
    assert done.returncode == 0 and not done.stderr
    assert re.search(rf"^Usage: .*meridianctl {command}", done.stdout, re.MULTILINE)
    # The first line says what it is for, as in the list of commands.
    summary = done.stdout.splitlines()[0]
    assert len(summary) > 15 and summary in programs.ctl("--help").stdout


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "version"])
def test_an_unknown_option_is_bad_usage(programs, command):
    done = programs.ctl(command, "--bogus")
    assert done.returncode == (1 if command == "plan" else 2) and not done.stdout  # plan says 2 of a change
    assert "--bogus" in done.stderr or "required" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["bogus"], ["status", "extra"], ["explain"], ["schema"], ["completion"],
                                       ["completion", "fish"], ["--control"]], ids=" ".join)
def test_bad_usage_exits_2_with_a_message(programs, arguments):
    done = programs.ctl(*arguments)
    assert done.returncode == 2 and not done.stdout and done.stderr.strip()


def test_version_is_the_project_s(programs):
    done = programs.ctl("version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"meridianctl {VERSION}\n", "")
    server = subprocess.run([programs.meridiand, "--version"], capture_output=True, text=True, timeout=45, check=False)
    assert (server.returncode, server.stdout) == (0, f"meridiand {VERSION}\n")


def test_cookie_secret_prints_a_new_one_each_time(programs):
    made = [programs.ctl("cookie-secret") for _ in range(2)]
    assert all(done.returncode == 0 and not done.stderr and re.fullmatch(r"[0-9a-f]{32}\n", done.stdout) for done in made)
    assert made[0].stdout != made[1].stdout


def test_an_unknown_command_is_named(programs):
    """"A subcommand is required" would not tell what was wrong with `meridianctl relaod`."""
    assert "relaod" in programs.ctl("relaod").stderr
    done = programs.ctl("map", "shwo")
    assert done.returncode == 2 and "no command is called 'shwo'; did you mean 'show'?" in done.stderr
    done = programs.ctl("map")
    assert done.returncode == 2 and "required" in done.stderr


# --- schema --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_schemas_are_those_that_ship(programs, kind):
    done = programs.ctl("schema", kind)
    assert done.returncode == 0 and not done.stderr
    assert json.loads(done.stdout)["$schema"].startswith("http://json-schema.org/draft-07")
    assert done.stdout == (REPOSITORY / f"config/schema/{kind}.schema.json").read_text(encoding="utf-8")


def test_an_unknown_schema_is_told_with_those_there_are(programs):
    done = programs.ctl("schema", "bogus")
    assert done.returncode == 2 and not done.stdout
    assert "'bogus'" in done.stderr and all(kind in done.stderr for kind in KINDS)


# --- completion ----------------------------------------------------------------------------------------


def complete(programs, folder, line):
    """What TAB offers at the end of `line`, in a bash that sourced the script."""
    script = folder / "completion.bash"
    script.write_text(programs.ctl("completion", "bash").stdout, encoding="utf-8")
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    quoted = " ".join(shlex.quote(word) for word in words)
    code = (f"set -eu; source {shlex.quote(str(script))}; complete -p meridianctl >/dev/null; "
            f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; COMPREPLY=(); "
            "_meridianctl meridianctl x y || true; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True, timeout=45, check=False,
                          cwd=folder)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return set(done.stdout.split())


def test_completion_of_commands(programs, folder):
    assert complete(programs, folder, "meridianctl ex") == {"explain"}
    assert complete(programs, folder, "meridianctl ") >= set(COMMANDS)
    assert complete(programs, folder, "meridianctl s") == {"schema", "shed", "status"}
    assert complete(programs, folder, "meridianctl nothing") == set()


def test_completion_of_options(programs, folder):
    assert complete(programs, folder, "meridianctl explain --j") == {"--json"}
    assert complete(programs, folder, "meridianctl explain www.example.com A --fr") == {"--from"}
    assert complete(programs, folder, "meridianctl --cont") == {"--control"}
    assert complete(programs, folder, "meridianctl status --") >= {"--json", "--control", "--help"}
    assert "--from" not in complete(programs, folder, "meridianctl status --")
    assert complete(programs, folder, "meridianctl map sh") == {"show"}
    assert complete(programs, folder, "meridianctl map show --s") == {"--site", "--svg"}


def test_completion_of_files(programs, folder):
    (folder / "mapfolder").mkdir()
    (folder / "mapfile").touch()
    assert complete(programs, folder, "meridianctl explain x --map map") == {"mapfile", "mapfolder"}
    assert complete(programs, folder, "meridianctl check map") == {"mapfolder"}
    assert complete(programs, folder, "meridianctl plan mapfolder map") == {"mapfolder"}
    assert complete(programs, folder, "meridianctl plan mapfolder --demand map") == {"mapfile", "mapfolder"}


# --- without a server ----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["status"], ["reload"], ["status", "--json"], ["explain", "www.example.com"]],
                         ids=" ".join)
def test_without_a_server_the_socket_is_named(programs, folder, arguments):
    path = folder / "nobody.sock"
    done = programs.ctl("--control", path, *arguments)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith(f"meridianctl: no answer from a server at {path}: ")
    assert "is meridiand running" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_the_socket_may_come_from_the_environment_and_the_option_wins(example, folder):
    nobody = str(folder / "nobody.sock")
    done = example.programs.ctl("status", "--json", env={"MERIDIAN_CONTROL": str(example.control)})
    assert done.returncode == 0 and json.loads(done.stdout)["site"] == "e2e"
    done = example.ctl("status", env={"MERIDIAN_CONTROL": nobody})
    assert done.returncode == 0
    done = example.programs.ctl("status", env={"MERIDIAN_CONTROL": nobody})
    assert done.returncode == 2 and nobody in done.stderr


def test_options_of_the_program_may_follow_the_command(example):
    done = example.programs.ctl("status", "--control", example.control)
    assert done.returncode == 0 and done.stdout.startswith("site       e2e · meridiand ")


# --- status and check ----------------------------------------------------------------------------------


def test_status_as_text_tells_the_same_as_json(example):
    example.query("static.example.com")
    told = example.status()
    text = example.ctl("status").stdout
    assert f"site       e2e · meridiand {VERSION} · up " in text
    assert f"listening  127.0.0.1:{example.port} · {told['workers']} UDP workers" in text
    assert f"epoch      1 of {told['epoch_built_at']} · 1 zone, 5 services, {told['endpoints']} endpoints" in text
    assert re.search(r"^map +web · \d+ IPv4 and \d+ IPv6 leaves", text, re.MULTILINE)
    assert re.search(r"^database +\S+ · \S+country\.mmdb · ", text, re.MULTILINE)
    assert re.search(r"^reload +good · \d+ ms · 0 problems$", text, re.MULTILINE)
    assert re.search(r"^static_answers_total +1$", text, re.MULTILINE)
    assert "servfail_answers_total" not in text, "counters at 0 are left out"


@pytest.mark.parametrize("example_name", ["minimal", "three-datacenters", "anycast-pop"])
def test_every_example_is_good(programs, example_name):
    done = programs.check(EXAMPLE.parent / example_name / "map")
    assert done.returncode == 0, done.stderr
    assert re.match(rf".*{example_name}/map: good · 1 zone, \d+ services?, \d+ datacenters · map ", done.stdout)


def test_check_takes_the_map_of_a_site_file(programs):
    done = programs.ctl("check", "--site", EXAMPLE / "meridian.yaml", "--data", programs.data)
    assert done.returncode == 0 and f"{EXAMPLE}/map: good" in done.stdout


def test_check_exits_1_for_problems_and_shows_them_on_stderr(programs, folder):
    done = programs.check(folder / "nowhere")
    assert done.returncode == 1 and not done.stdout
    first = done.stderr.splitlines()[0]
    assert first == f"{folder}/nowhere: the map directory can't be read: No such file or directory"
    done = programs.ctl("check", EXAMPLE / "map", "--data", programs.data, "--geoip", folder / "none.mmdb")
    assert done.returncode == 1 and f"{folder}/none.mmdb: " in done.stderr
    done = programs.ctl("check", "--site", folder / "none.yaml")
    assert done.returncode == 1 and f"{folder}/none.yaml: can't be read" in done.stderr


def test_relative_paths_are_shown_as_they_were_given(programs, folder):
    (folder / "m").mkdir()
    (folder / "m" / "maps.yaml").write_text("maps:\n\tweb: {}\n", encoding="utf-8")
    done = programs.ctl("check", "m", "--data", programs.data, cwd=folder)
    assert "m/maps.yaml:2:1: a tab indents this line; YAML allows spaces only" in done.stderr.splitlines()


def test_output_that_nobody_reads_does_not_crash(programs):
    """`meridianctl schema services | head -1`"""
    code = f"set -o pipefail; {shlex.quote(str(programs.meridianctl))} schema services | head -1"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=45, check=False)
    assert done.stdout == "{\n"
    assert "terminate" not in done.stderr and "Aborted" not in done.stderr
