// The compiled half of Boost.Asio, once for the whole program (BOOST_ASIO_SEPARATE_COMPILATION).
// Every target that uses Asio links meridian::net for it.
#include <boost/asio/impl/src.hpp>
