#include "http/prometheus_page.hpp"

#include <prometheus/text_serializer.h>

#include <locale>
#include <sstream>
#include <utility>

namespace meridian::http {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily& PrometheusPage::add(MetricType type, std::string_view name, std::string_view help) {
  families_.push_back({"meridian_" + std::string{name}, std::string{help}, type, {}});
  return families_.back();
}

void PrometheusPage::gauge(std::string_view name, std::string_view help, double value, Labels labels) {
  put(add(MetricType::Gauge, name, help), value, std::move(labels));
}

void PrometheusPage::put(MetricFamily& family, double value, Labels labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
}

std::string PrometheusPage::text() const {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  prometheus::TextSerializer{}.Serialize(out, families_);
  return std::move(out).str();
}

}  // namespace meridian::http
