# The parser's source, not its library: clang 14 cannot compile what else is in net/ with its sanitizers.
meridian_fuzz(proxy_protocol SOURCES ${CMAKE_SOURCE_DIR}/src/net/proxy_protocol.cpp DEPS meridian::base)
