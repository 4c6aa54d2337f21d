// The compiled half of Boost.Asio's TLS, once for the whole program; the rest is in net/asio_impl.cpp.
#include <boost/asio/ssl/impl/src.hpp>
