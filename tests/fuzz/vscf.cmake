meridian_fuzz(vscf DEPS meridian::importer)
