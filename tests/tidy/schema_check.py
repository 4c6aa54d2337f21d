"""Every YAML file that ships must pass the JSON Schema of its kind, as an editor would check it."""

import json
import pathlib
import re
import sys

import jsonschema
import yaml


class PlainTextLoader(yaml.SafeLoader):
    """YAML 1.2 booleans: `NO`, `on` and `off` stay text, as editors read them."""


PlainTextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for name, value in (("true", True), ("false", False)):
    PlainTextLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(f"^{name}$"), [name[0]])


def validators(config):
    """The validator of each kind of file."""
    found = {}
    for path in sorted((config / "schema").glob("*.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.Draft7Validator.check_schema(schema)
        found[path.name.removesuffix(".schema.json")] = jsonschema.Draft7Validator(schema)
    return found


def kind_of(path):
    """`maps.yaml` and `maps.d/eu.yaml` are maps."""
    return path.parent.name.removesuffix(".d") if path.parent.suffix == ".d" else path.stem


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    config = root / "config"
    by_kind = validators(config)
    failures = 0
    checked = 0
    for folder in ("examples", "dist"):
        for path in sorted((config / folder).rglob("*.yaml")):
            for loader in (PlainTextLoader, yaml.SafeLoader):  # YAML 1.2 and 1.1
                document = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
                for error in by_kind[kind_of(path)].iter_errors(document):
                    where = "/".join(str(part) for part in error.absolute_path)
                    print(f"{path.relative_to(root)}: {where}: {error.message}")
                    failures += 1
            checked += 1
    for kind, validator in by_kind.items():
        if validator.is_valid({"no such key": 1}):
            print(f"{kind}.schema.json lets an unknown key pass")
            failures += 1
    print(f"{checked} files checked against {len(by_kind)} schemas")
    return 1 if failures or checked == 0 or len(by_kind) != 6 else 0


if __name__ == "__main__":
    sys.exit(main())
