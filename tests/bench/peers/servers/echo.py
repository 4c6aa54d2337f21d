"""The ceiling: sends each packet back, with the same system calls and batches as meridiand, and does nothing else."""


class Echo:
    name = "echo"
    port = 5300
    kinds = ("ecs", "plain", "nxdomain")
    version_command = None

    def __init__(self, site):
        self.site = site

    def write(self, folder):
        """It has no configuration."""

    def command(self, _folder):
        return [self.site.build / "bin" / "udp_echo", self.port]
