// Runs one probe for each address, all at once, and prints a line of JSON for each result.
//
// usage: probe_once KEY=VALUE…, among them type= and address= (several are fine). Keys are named as in
// config::Check; header=, status= and command= may come several times. days_later=N moves the calendar.
#include "base/clock.hpp"
#include "dns/name.hpp"
#include "probe/transports.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace meridian;

namespace {

using Type = config::Check::Type;

const std::map<std::string, Type, std::less<>> kTypes = {
    {"http", Type::Http}, {"https", Type::Https}, {"tcp", Type::Tcp},  {"icmp", Type::Icmp},
    {"dns", Type::Dns},   {"grpc", Type::Grpc},   {"exec", Type::Exec}};

/// The real time, and a calendar that may be some days ahead.
class MovedClock final : public base::Clock {
 public:
  [[nodiscard]] base::MonotonicTime monotonic() const noexcept override {
    return std::chrono::steady_clock::now();
  }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept override {
    return std::chrono::system_clock::now() + std::chrono::days{days_later};
  }

  int days_later = 0;
};

[[noreturn]] void stop(const std::string& message) {
  std::fprintf(stderr, "probe_once: %s\n", message.c_str());
  std::exit(2);
}

struct Arguments {
  config::Check check;
  std::vector<base::IpAddress> addresses;
  MovedClock clock;
};

base::IpAddress parse_address(const std::string& text) {
  const auto address = base::parse_ip_address(text);
  if (!address) stop("no address: " + text);
  return *address;
}

void add_status(config::Check& check, const std::string& text, bool& is_first) {
  if (std::exchange(is_first, false)) check.http.status.clear();
  const auto dash = text.find('-');
  const auto first = static_cast<std::uint16_t>(std::stoi(text));
  const auto last =
      dash == std::string::npos ? first : static_cast<std::uint16_t>(std::stoi(text.substr(dash + 1)));
  check.http.status.push_back({first, last});
}

void parse(const std::vector<std::string>& words, Arguments& result) {
  config::Check& check = result.check;
  check.name = "once";
  bool is_first_status = true;
  const auto text = [](std::string& to) { return [&to](const std::string& value) { to = value; }; };
  const auto flag = [](bool& to) { return [&to](const std::string& value) { to = value != "0"; }; };
  const auto number = [](auto& to) {
    return [&to](const std::string& value) {
      to = static_cast<std::remove_reference_t<decltype(to)>>(std::stoul(value));
    };
  };
  const std::map<std::string, std::function<void(const std::string&)>, std::less<>> keys = {
      {"type", [&](const std::string& value) { check.type = kTypes.at(value); }},
      {"address", [&](const std::string& value) { result.addresses.push_back(parse_address(value)); }},
      {"port", number(check.port)},
      {"timeout_ms", number(check.timeout_ms)},
      {"source_v4", [&](const std::string& value) { check.source_v4 = parse_address(value); }},
      {"source_v6", [&](const std::string& value) { check.source_v6 = parse_address(value); }},
      {"method", text(check.http.method)},
      {"path", text(check.http.path)},
      {"host", text(check.http.host)},
      {"header",
       [&](const std::string& value) {
         const auto colon = value.find(':');
         check.http.headers.emplace_back(value.substr(0, colon), value.substr(colon + 1));
       }},
      {"status", [&](const std::string& value) { add_status(check, value, is_first_status); }},
      {"body", text(check.http.body)},
      {"body_regex", text(check.http.body_regex)},
      {"redirects", number(check.http.redirects)},
      {"http2", flag(check.http.http2)},
      {"weight_header", text(check.http.weight_header)},
      {"weight_key", text(check.http.weight_key)},
      {"verify", flag(check.tls.verify)},
      {"sni", text(check.tls.sni)},
      {"ca_file", text(check.tls.ca_file)},
      {"certificate_warn_d", number(check.tls.certificate_warn_d)},
      {"certificate_fail_d", number(check.tls.certificate_fail_d)},
      {"send", text(check.tcp.send)},
      {"expect", text(check.tcp.expect)},
      {"tls", flag(check.tcp.tls)},
      {"name",
       [&](const std::string& value) {
         const auto name = dns::Name::parse(value);
         if (!name) stop(name.error());
         check.dns.name = *name;
       }},
      {"rtype", text(check.dns.type)},
      {"answer", text(check.dns.answer)},
      {"tcp", flag(check.dns.tcp)},
      {"grpc_service", text(check.grpc_service)},
      {"command", [&](const std::string& value) { check.command.push_back(value); }},
      {"days_later", [&](const std::string& value) { result.clock.days_later = std::stoi(value); }},
  };
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    const auto key = keys.find(word.substr(0, equals));
    if (equals == std::string::npos || key == keys.end()) stop("what is " + word);
    key->second(word.substr(equals + 1));
  }
}

void print(const base::IpAddress& address, const health::ProbeResult& result) {
  boost::json::object line{{"address", base::to_string(address)},
                           {"ok", result.is_ok},
                           {"took_us", result.took.count()},
                           {"cause", result.cause},
                           {"warning", result.warning}};
  if (result.weight_percent) line["weight"] = *result.weight_percent;
  std::printf("%s\n", boost::json::serialize(line).c_str());
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  parse({words + 1, words + count}, arguments);
  boost::asio::io_context context{1};
  probe::Transports transports{context, arguments.clock};
  const auto check = std::make_shared<const config::Check>(arguments.check);
  std::size_t left = arguments.addresses.size();
  for (const auto& address : arguments.addresses) {
    static_cast<void>(transports.start({check, address}, [&, address](const health::ProbeResult& result) {
      print(address, result);
      if (--left == 0) context.stop();
    }));
  }
  if (left != 0) context.run();
  return 0;
}
