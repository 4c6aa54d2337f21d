meridian_fuzz(bgp_link DEPS meridian::link)
meridian_fuzz(exabgp_reply DEPS meridian::bridge)
