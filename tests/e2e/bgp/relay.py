"""An API process that does what the test says: passes lines between ExaBGP and a unix socket, both ways."""

import os
import select
import socket
import sys

link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
link.connect(sys.argv[1])
while True:
    ready, _, _ = select.select([0, link], [], [])
    for source in ready:
        data = os.read(source if source == 0 else link.fileno(), 65536)
        if not data:
            sys.exit(0)
        if source == 0:
            link.sendall(data)
        else:
            os.write(1, data)
