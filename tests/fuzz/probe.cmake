# Sources, not the library: clang 14 cannot compile what else is in probe/ with its sanitizers.
meridian_fuzz(grpc_health SOURCES ${CMAKE_SOURCE_DIR}/src/probe/grpc_health.cpp DEPS meridian::base)
meridian_fuzz(dns_reply SOURCES ${CMAKE_SOURCE_DIR}/src/probe/dns_reply.cpp DEPS meridian::config meridian::zone)
