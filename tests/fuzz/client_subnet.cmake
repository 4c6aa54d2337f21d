meridian_fuzz(client_subnet DEPS meridian::dns)
