#!/usr/bin/env python3
"""Writes a master file with as many A records as you want, a name each.

    make_zone.py ORIGIN RECORDS > FILE

The names are h0, h1, … in a width that fits the last one, so that every question about them has the same length; the
addresses count up from 10.0.0.0. SOA, NS and the address of the name server come on top.
"""

import socket
import struct
import sys

FIRST_ADDRESS = 10 << 24


def host(number, records):
    """The first label of record `number`."""
    return f"h{number:0{len(str(records - 1))}d}"


def address(number):
    return socket.inet_ntoa(struct.pack("!I", FIRST_ADDRESS + number))


def zone_head(origin):
    return (f"$ORIGIN {origin}.\n$TTL 3600\n"
            f"@ IN SOA ns1.{origin}. hostmaster.{origin}. 2026010101 7200 3600 1209600 300\n"
            f"@ IN NS ns1.{origin}.\n"
            "ns1 IN A 192.0.2.53\n")


def write_zone(file, origin, records):
    file.write(zone_head(origin))
    for number in range(records):
        file.write(f"{host(number, records)} IN A {address(number)}\n")


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[2].isdigit() or int(sys.argv[2]) == 0:
        sys.exit(__doc__)
    write_zone(sys.stdout, sys.argv[1], int(sys.argv[2]))
