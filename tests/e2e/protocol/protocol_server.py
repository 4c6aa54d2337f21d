"""A server with one of the battery's maps."""

import contextlib
import shutil
import tempfile

import harness
import sizes
import table

HERE = table.CASES.parent


@contextlib.contextmanager
def protocol_server(programs, map_folder):
    """A running one, ended at the end."""
    with tempfile.TemporaryDirectory(prefix="meridian-e2e-") as path:
        server = harness.Server(programs, path)
        shutil.rmtree(server.map)
        shutil.copytree(HERE / map_folder, server.map)
        if map_folder == "map":
            server.write("zones/s.zone", sizes.zone_text())
        try:
            yield server.start()
            server.end()
        finally:
            if server.process is not None and server.process.poll() is None:
                server.process.kill()
                server.process.wait()
