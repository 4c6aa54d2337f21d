"""The zone `s`: TXT records whose answers have exactly so many bytes, and sets of addresses around the limits.

`n512.s TXT` is answered in 512 bytes without EDNS, `e512.s TXT` in 512 bytes with an OPT record without options.
"""

HEADER, QUESTION_FIXED, RECORD_FIXED, OPT = 12, 4, 12, 11  # a record's owner is a pointer of two bytes
SIZES = [511, 512, 513, 1231, 1232, 1233, 4096]

HEAD = """$ORIGIN s.
$TTL 300
@ SOA ns1 hostmaster 1 7200 3600 1209600 60
@ NS ns1
ns1 A 192.0.2.53
"""


def txt_rdata(size):
    """Character strings that take `size` bytes together; each has a byte of length."""
    strings = []
    while size > 0:
        piece = min(size, 256)
        if size - piece == 1:  # a string of no bytes would be one too few
            piece -= 1
        strings.append(f'"{"x" * (piece - 1)}"')
        size -= piece
    return " ".join(strings)


def sized(name, total, opt):
    question = HEADER + len(name) + 1 + 3 + QUESTION_FIXED  # the name's label, then 1 's' 0
    return f"{name} TXT {txt_rdata(total - question - RECORD_FIXED - (OPT if opt else 0))}"


def zone_text():
    lines = [HEAD]
    for size in SIZES:
        lines.append(sized(f"n{size}", size, False))
        lines.append(sized(f"e{size}", size, True))
    # Without EDNS 30 addresses fit into 512 bytes and 75 into 1232, with an empty OPT record 29 and 74.
    for count in (29, 30, 31, 32, 74, 75, 76, 77, 1000):
        lines += [f"a{count} A 10.{count // 256}.{number // 256}.{number % 256}" for number in range(count)]
    # A set that fits, whose additional addresses do not.
    lines += ["mx MX 10 a1000", "srv SRV 0 0 80 a1000"]
    lines += ["cname CNAME n512", "chain CNAME a1000", "*.w TXT " + txt_rdata(900)]
    # A referral whose glue inside the child does not fit, and one whose other glue does not.
    lines += ["cut NS ns.cut"] + [f"ns.cut A 10.9.{number // 256}.{number % 256}" for number in range(100)]
    lines += ["lean NS a1000"]
    # Forty name servers: the referral itself is too long for 512 bytes.
    lines += [f"many NS ns{number}.far.invalid." for number in range(40)]
    # Nearly the largest set the server takes (65,000 bytes): 244 records of 265 bytes, and 24 before them.
    lines += [f'full TXT {txt_rdata(253)[:-4]}{number:03}"' for number in range(244)]
    return "\n".join(lines) + "\n"
