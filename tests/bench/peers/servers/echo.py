"""The ceilings: send back what comes, with the same system calls and batches as meridiand, and do nothing else."""


class Echo:
    name = "echo"
    program = "udp_echo"
    port = 5300
    kinds = ("ecs", "plain", "nxdomain")
    version_command = None

    def __init__(self, site):
        self.site = site

    def write(self, folder):
        """It has no configuration."""

    def command(self, _folder):
        return [self.site.build / "bin" / self.program, self.port]


class TcpEcho(Echo):
    """A query a connection; it knows no UDP."""
    name = "tcp-echo"
    program = "tcp_echo"
    port = 5305
    kinds = ("tcp-each",)


NAMES = (Echo.name, TcpEcho.name)
CEILINGS = {kind: echo.name for echo in (Echo, TcpEcho) for kind in echo.kinds}
