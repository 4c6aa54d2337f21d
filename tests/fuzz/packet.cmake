meridian_fuzz(packet DEPS meridian::dns)
