"""That `make bench-map` works, on the shipped country database, for a moment: smoke_test.py BUILD."""

import pathlib
import subprocess
import sys
import tempfile

import run


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    data = build / "share" / "meridian"
    country = data / "country.mmdb"
    with tempfile.TemporaryDirectory(prefix="meridian-bench-map-") as name:
        folder = pathlib.Path(name)
        merged = folder / "merged.mmdb"
        run.measure([build / "bin" / "map_data", "geoip2", data / "places.json", country, country, merged])
        one = run.write_map(folder / "one", run.DATACENTERS, {"web": ["{for: everyone, prefer: nearest}"]})
        check = [build / "bin" / "meridianctl", "check", one, "--data", data, "--geoip"]
        # The same networks in another layout make the same map.
        told = [run.measure([*check, file])[2] for file in (country, merged)]
        for family in ("IPv4", "IPv6"):
            before, after = (run.leaves(text, family) for text in told)
            assert before == after > 10_000, f"{family}: {told}"
        # gdnsd's own library reads it as well, where it is installed.
        try:
            found = subprocess.run(["mmdblookup", "--file", merged, "--ip", "8.8.8.8", "country", "iso_code"],
                                   capture_output=True, text=True, check=True).stdout
            assert '"US"' in found, found
        except FileNotFoundError:
            pass
        feed = folder / "feed.nets"
        run.measure([build / "bin" / "map_data", "networks", 1000, feed, *run.SIXTEEN])
        lines = feed.read_text(encoding="ascii").splitlines()
        assert len(lines) == 1000 and {line.split()[1] for line in lines} == set(run.SIXTEEN)


if __name__ == "__main__":
    main()
