// A page of metrics in the text format of Prometheus, of what a program counts and knows. The text is
// prometheus-cpp's. One thread.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <string_view>
#include <vector>

namespace meridian::http {

using Labels = std::vector<prometheus::ClientMetric::Label>;

inline constexpr const char* kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

/// The families in the order in which they are printed.
class PrometheusPage {
 public:
  /// `name` without `meridian_`. The family is valid until the next call.
  prometheus::MetricFamily& add(prometheus::MetricType type, std::string_view name, std::string_view help);
  void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});
  static void put(prometheus::MetricFamily& family, double value, Labels labels);

  [[nodiscard]] std::string text() const;

 private:
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace meridian::http
