#include "probe/http_reply.hpp"

#include "base/ascii.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace meridian::probe {
namespace {

namespace json = boost::json;

/// Longest part of foreign text that is quoted in a message.
constexpr std::size_t kQuotedBytesMax = 40;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

struct FreeUrl {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};

/// Scheme and host of a URL, in lower case; empty where there is none.
struct Origin {
  std::string scheme;
  std::string host;
};

Origin origin_of(const std::string& text) {
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return {};
  const auto part = [&](CURLUPart which) {
    char* value = nullptr;
    if (curl_url_get(url.get(), which, &value, 0) != CURLUE_OK) return std::string{};
    const std::string copy = base::to_lower(value);
    curl_free(value);
    return copy;
  };
  return {part(CURLUPART_SCHEME), part(CURLUPART_HOST)};
}

}  // namespace

bool is_wanted(std::span<const config::HttpCheck::StatusRange> wanted, long status) noexcept {
  return std::ranges::any_of(
      wanted, [&](const auto& range) { return status >= range.first && status <= range.last; });
}

std::string status_cause(std::span<const config::HttpCheck::StatusRange> wanted, long status) {
  std::string list;
  for (const auto& range : wanted) {
    if (!list.empty()) list += ", ";
    list += range.first == range.last ? fmt::format("{}", range.first)
                                      : fmt::format("{}-{}", range.first, range.last);
  }
  return fmt::format("status {}, wanted {}", status, list);
}

void BodyRegex::Free::operator()(regex_t* regex) const noexcept {
  regfree(regex);
  delete regex;  // NOLINT(cppcoreguidelines-owning-memory): the deleter of a unique_ptr
}

base::Expected<BodyRegex, std::string> BodyRegex::compile(const std::string& text) {
  auto regex = std::make_unique<regex_t>();
  const int error = regcomp(regex.get(), text.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error != 0) {
    std::array<char, 128> words{};
    regerror(error, regex.get(), words.data(), words.size());
    return base::unexpected(fmt::format("bad regular expression: {}", words.data()));
  }
  return BodyRegex{std::unique_ptr<regex_t, Free>(regex.release())};
}

bool BodyRegex::matches(std::string_view body) const noexcept {
  // With its length, because a body may have zero bytes in it.
  regmatch_t whole{.rm_so = 0, .rm_eo = static_cast<regoff_t>(body.size())};
  return regexec(regex_.get(), body.data(), 0, &whole, REG_STARTEND) == 0;
}

base::Expected<std::uint32_t, std::string> parse_weight(std::string_view text) {
  const std::string_view number = trimmed(text);
  std::uint32_t weight = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), weight);
  if (error == std::errc{} && end == number.data() + number.size() && weight <= 100) return weight;
  return base::unexpected(
      fmt::format("weight '{}' is not a whole number from 0 to 100", number.substr(0, kQuotedBytesMax)));
}

base::Expected<std::optional<std::uint32_t>, std::string> find_weight(std::string_view body,
                                                                      const std::string& key) {
  boost::system::error_code error;
  const json::value value = json::parse(body, error);
  if (error || !value.is_object())
    return base::unexpected(std::string{"weight: the body is not a JSON object"});
  const auto* const found = value.get_object().if_contains(key);
  if (found == nullptr) return std::optional<std::uint32_t>{};
  const auto weight = found->to_number<std::uint32_t>(error);
  if (!found->is_number() || error || weight > 100) {
    return base::unexpected(fmt::format("weight: '{}' in the body is not a whole number from 0 to 100", key));
  }
  return std::optional{weight};
}

std::optional<std::string_view> find_header_value(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  if (base::to_lower(line.substr(0, name.size())) != base::to_lower(name)) return std::nullopt;
  return trimmed(line.substr(name.size() + 1));
}

base::Expected<void, std::string> check_redirect(const std::string& from, const std::string& to,
                                                 const std::string& host) {
  const Origin origin = origin_of(to);
  if (origin.scheme != "http" && origin.scheme != "https")
    return base::unexpected(std::string{"redirect: to something that is not http or https"});
  if (origin.host == origin_of(from).host || origin.host == base::to_lower(host)) return {};
  return base::unexpected(
      fmt::format("redirect: to {}, which is not this endpoint", origin.host.substr(0, kQuotedBytesMax)));
}

}  // namespace meridian::probe
