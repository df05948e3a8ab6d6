#include "report/svg_canvas.hpp"

#include <algorithm>
#include <cmath>

#include <tinygan/base/error.hpp>

#include "base/numbers.hpp"
#include "report/html.hpp"

namespace dcgan_mnist {

std::string coordinate(double v) { return fixed(v, 1); }

std::vector<double> round_ticks(double low, double high, int count) {
  const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double s : {1.0, 2.0, 2.5, 5.0})
    if (s * power >= rough * 0.999) {
      step = s * power;
      break;
    }
  std::vector<double> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k) ticks.push_back(k * step);
  return ticks;
}

double ValueAxis::scaled(double v) const { return logarithmic ? std::log10(v) : v; }

double ValueAxis::share(double v) const {
  return std::clamp((scaled(v) - scaled(low)) / (scaled(high) - scaled(low)), 0.0, 1.0);
}

std::vector<double> ValueAxis::ticks() const {
  if (!logarithmic) return round_ticks(low, high, 5);
  std::vector<double> t;
  const bool few = scaled(high) - scaled(low) < 1.5;
  // NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter): it grows by powers, and its end has slack
  for (double power = std::pow(10, std::floor(scaled(low))); power <= high; power *= 10)
    for (const double k : {1.0, 2.0, 5.0})
      if ((k == 1 || few) && k * power >= low * 0.999 && k * power <= high * 1.001) t.push_back(k * power);
  return t;
}

SvgCanvas::SvgCanvas(const std::string& description)
    : out_(tinygan::text("<svg viewBox=\"0 0 ", width, " ", height, "\" role=\"img\" aria-label=\"",
                         escape(description), "\">")) {}

double SvgCanvas::y(const ValueAxis& axis, double value) const {
  return height - bottom - axis.share(value) * (height - top - bottom);
}

void SvgCanvas::line(double x1, double y1, double x2, double y2, const std::string& classes) {
  out_ += tinygan::text("<line class=\"", classes, "\" x1=\"", coordinate(x1), "\" y1=\"", coordinate(y1), "\" x2=\"",
                        coordinate(x2), "\" y2=\"", coordinate(y2), "\"/>");
}

void SvgCanvas::rectangle(double x1, double y1, double x2, double y2, const std::string& classes) {
  out_ += tinygan::text("<rect class=\"", classes, "\" x=\"", coordinate(x1), "\" y=\"", coordinate(y1), "\" width=\"",
                        coordinate(x2 - x1), "\" height=\"", coordinate(std::max(0.0, y2 - y1)), "\"/>");
}

void SvgCanvas::text(double x, double y, const char* anchor, const std::string& s, const std::string& attributes) {
  out_ += tinygan::text("<text x=\"", coordinate(x), "\" y=\"", coordinate(y), "\" text-anchor=\"", anchor, "\"",
                        attributes, ">", escape(s), "</text>");
}

void SvgCanvas::axes(const ValueAxis& axis, const std::string& x_label, const std::string& y_label) {
  for (const double t : axis.ticks()) {
    line(left, y(axis, t), width - right, y(axis, t), "grid");
    text(left - 6, y(axis, t) + 4.5, "end", number_text(t, 6));
  }
  line(left, height - bottom, width - right, height - bottom, "axis");
  line(left, top, left, height - bottom, "axis");
  text((left + width - right) / 2, height - 6, "middle", x_label);
  const double middle = (top + height - bottom) / 2;
  text(14, middle, "middle", y_label, tinygan::text(" transform=\"rotate(-90 14 ", middle, ")\""));
}

void SvgCanvas::x_value(double x, const std::string& s, bool tick) {
  if (tick) line(x, height - bottom, x, height - bottom + 4, "axis");
  text(std::min(x, width - right - 4), height - bottom + 18, "middle", s);
}

}  // namespace dcgan_mnist
