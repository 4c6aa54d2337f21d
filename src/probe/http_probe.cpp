#include "probe/http_probe.hpp"

#include "base/assert.hpp"
#include "probe/cause.hpp"
#include "probe/http_exchange.hpp"

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <chrono>
#include <utility>
#include <vector>

namespace meridian::probe {
namespace {

namespace asio = boost::asio;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

struct FreeTransfer {
  void operator()(CURL* transfer) const noexcept { curl_easy_cleanup(transfer); }
};
using Transfer = std::unique_ptr<CURL, FreeTransfer>;

struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

/// As it stands in a URL.
std::string host_in_url(const std::string& host) {
  const auto address = base::parse_ip_address(host);
  return address && address->family == base::Family::V6 ? "[" + host + "]" : host;
}

bool uses_tls(const config::Check& check) noexcept {
  return check.type == config::Check::Type::Https ||
         (check.type == config::Check::Type::Grpc && check.tcp.tls);
}

}  // namespace

struct HttpProber::Plan {
  explicit Plan(std::shared_ptr<const config::Check> made_of) : check(std::move(made_of)), parts(*check) {}

  [[nodiscard]] Transfer take() {
    if (!idle.empty()) {
      Transfer transfer = std::move(idle.back());
      idle.pop_back();
      return transfer;
    }
    Transfer transfer{curl_easy_init()};
    MERIDIAN_ASSERT(transfer != nullptr);
    HttpExchange::set_check_options(transfer.get(), *check, parts);
    return transfer;
  }

  std::shared_ptr<const config::Check> check;
  HttpParts parts;
  std::vector<Transfer> idle;  ///< with the check's options; as many as ever ran at once
};

struct HttpProber::Session {
  Session(ProbeId session_id, std::shared_ptr<Plan> session_plan, const base::IpAddress& session_address,
          Done session_done)
      : id(session_id),
        plan(std::move(session_plan)),
        address(session_address),
        done(std::move(session_done)),
        exchange(*plan->check, plan->parts, address),
        transfer(plan->take()),
        connect_to(
            curl_slist_append(nullptr, fmt::format("::{}:", host_in_url(base::to_string(address))).c_str())),
        redirects_left(plan->check->http.redirects) {
    curl_easy_setopt(transfer.get(), CURLOPT_PRIVATE, this);
    // Every host and port of a URL leads to this address; the port stays as it is.
    curl_easy_setopt(transfer.get(), CURLOPT_CONNECT_TO, connect_to.get());
  }

  ProbeId id;
  std::shared_ptr<Plan> plan;
  base::IpAddress address;
  Done done;
  HttpExchange exchange;
  Transfer transfer;
  std::unique_ptr<curl_slist, FreeList> connect_to;
  std::string url;  ///< that is asked for
  std::uint32_t redirects_left;
  base::MonotonicTime started;
  bool is_in_loop = false;
};

HttpProber::HttpProber(asio::io_context& context, const base::Clock& clock)
    : context_(context),
      clock_(clock),
      loop_(context, [this](CURL* transfer, CURLcode result) { on_done(transfer, result); }) {}

HttpProber::~HttpProber() {
  for (auto& [id, session] : sessions_) {
    if (session->is_in_loop) loop_.remove(session->transfer.get());
  }
}

std::string HttpProber::url_of(const config::Check& check, const base::IpAddress& address) {
  const bool is_grpc = check.type == config::Check::Type::Grpc;
  // The name in the URL is what TLS sends and verifies; the Host header is a header of its own.
  const std::string host =
      uses_tls(check) || check.http.host.empty() ? tls_name(check, address) : base::to_string(address);
  return fmt::format("{}://{}:{}{}", uses_tls(check) ? "https" : "http", host_in_url(host), port_of(check),
                     is_grpc ? "/grpc.health.v1.Health/Check" : check.http.path);
}

ProbeId HttpProber::start(const Target& target, Done done) {
  const auto id = ProbeId{++last_id_};
  const auto& plan = plans_.of(target.check);
  auto& session = *sessions_.emplace(id, std::make_unique<Session>(id, plan, target.address, std::move(done)))
                       .first->second;
  session.started = clock_.monotonic();
  if (plan->parts.problem.empty()) {
    request(session, url_of(*target.check, target.address));
    return id;
  }
  asio::post(context_, [this, id] {
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) finish(*found->second, failure(found->second->plan->parts.problem));
  });
  return id;
}

void HttpProber::request(Session& session, const std::string& url) {
  session.url = url;
  const auto took = duration_cast<milliseconds>(clock_.monotonic() - session.started);
  const auto left = milliseconds{session.plan->check->timeout_ms} - took;
  session.exchange.prepare(session.transfer.get(), url, std::max(left, milliseconds{1}));
  loop_.add(session.transfer.get());
  session.is_in_loop = true;
}

void HttpProber::on_done(CURL* transfer, CURLcode result) {
  void* owner = nullptr;
  curl_easy_getinfo(transfer, CURLINFO_PRIVATE, &owner);
  auto& session = *static_cast<Session*>(owner);
  session.is_in_loop = false;
  const bool follows = session.plan->check->http.redirects != 0 && session.exchange.is_complete(result);
  if (follows && !HttpExchange::redirect_of(transfer).empty()) return redirect(session);
  finish(session, session.exchange.judge(transfer, result, clock_.wall()));
}

void HttpProber::redirect(Session& session) {
  const auto& check = *session.plan->check;
  const std::string to = HttpExchange::redirect_of(session.transfer.get());
  if (session.redirects_left == 0) {
    return finish(session, failure(fmt::format("redirect: one more than the {} that are followed",
                                               check.http.redirects)));
  }
  --session.redirects_left;
  const auto allowed = check_redirect(session.url, to, check.http.host);
  if (!allowed) return finish(session, failure(allowed.error()));
  request(session, to);
}

void HttpProber::finish(Session& session, health::ProbeResult result) {
  const auto found = sessions_.find(session.id);
  const auto owned = std::move(found->second);
  sessions_.erase(found);
  owned->plan->idle.push_back(std::move(owned->transfer));
  result.took = duration_cast<std::chrono::microseconds>(clock_.monotonic() - owned->started);
  owned->done(std::move(result));
}

void HttpProber::cancel(ProbeId id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  if (found->second->is_in_loop) loop_.remove(found->second->transfer.get());
  found->second->plan->idle.push_back(std::move(found->second->transfer));
  sessions_.erase(found);
}

void HttpProber::forget_checks() { plans_.clear(); }

}  // namespace meridian::probe
