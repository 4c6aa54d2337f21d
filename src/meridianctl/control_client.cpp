#include "meridianctl/command.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

namespace meridian::meridianctl {
namespace {

std::size_t append_body(char* data, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

}  // namespace

base::Expected<ControlReply, std::string> ask_server(const Options& options, const std::string& method,
                                                     const std::string& target, long timeout_s) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), &curl_easy_cleanup);
  if (!curl) return base::unexpected(std::string{"libcurl does not start"});
  ControlReply reply;
  const std::string url = "http://meridiand" + target;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, options.control.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  if (method == "POST") curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, "");
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, timeout_s);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &append_body);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reply.body);
  const CURLcode result = curl_easy_perform(curl.get());
  if (result != CURLE_OK) {
    return base::unexpected(
        fmt::format("no answer from a server at {}: {}; is {} running, and may you open that socket?",
                    options.control, curl_easy_strerror(result), options.program));
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<unsigned>(status);
  return reply;
}

std::string url_encode(const std::string& value) {
  const std::unique_ptr<char, decltype(&curl_free)> encoded(
      curl_easy_escape(nullptr, value.c_str(), static_cast<int>(value.size())), &curl_free);
  return encoded ? encoded.get() : std::string{};
}

}  // namespace meridian::meridianctl
