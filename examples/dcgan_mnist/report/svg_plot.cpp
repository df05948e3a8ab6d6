#include "report/svg_plot.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <tinygan/base/error.hpp>

#include "base/numbers.hpp"
#include "report/html.hpp"

namespace dcgan_mnist {

namespace {

// Units of the picture. Narrow, so that letters can be read where a telephone shrinks it.
constexpr double width = 480, height = 270, left = 58, right = 12, top = 10, bottom = 44;
constexpr std::size_t most_points = 300;  // per curve

std::string coordinate(double v) { return fixed(v, 1); }

/// Some consecutive points: their mean, and their range.
struct Stretch {
  double x = 0, y = 0, low = 0, high = 0;
};

/// A line without gaps.
using Run = std::vector<Stretch>;

/// Round values that divide an axis into about `count` parts.
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

/// A y axis: where a value lies, as a share of the height, and the values that are written beside it.
struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;

  double scaled(double v) const { return logarithmic ? std::log10(v) : v; }
  double share(double v) const {
    return std::clamp((scaled(v) - scaled(low)) / (scaled(high) - scaled(low)), 0.0, 1.0);
  }
  std::vector<double> ticks() const {
    if (!logarithmic) return round_ticks(low, high, 5);
    std::vector<double> t;
    const bool few = scaled(high) - scaled(low) < 1.5;
    // NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter): it grows by powers, and its end has slack
    for (double power = std::pow(10, std::floor(scaled(low))); power <= high; power *= 10)
      for (const double k : {1.0, 2.0, 5.0})
        if ((k == 1 || few) && k * power >= low * 0.999 && k * power <= high * 1.001) t.push_back(k * power);
    return t;
  }
};

/// The finite parts of a curve, shortened to at most `most_points` stretches.
std::vector<Run> runs_of(const Curve& curve, bool logarithmic) {
  const std::size_t stride = (curve.points.size() + most_points - 1) / most_points;
  std::vector<Run> runs(1);
  for (std::size_t i = 0; i < curve.points.size(); i += stride) {
    Stretch s{0, 0, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
    std::size_t n = 0;
    for (std::size_t k = i; k < std::min(i + stride, curve.points.size()); ++k) {
      const auto [x, y] = curve.points[k];
      if (!std::isfinite(x) || !std::isfinite(y) || (logarithmic && y <= 0)) continue;
      s.x += x;
      s.y += y;
      s.low = std::min(s.low, y);
      s.high = std::max(s.high, y);
      ++n;
    }
    if (n == 0) {
      if (!runs.back().empty()) runs.emplace_back();
      continue;
    }
    s.x /= static_cast<double>(n);
    s.y /= static_cast<double>(n);
    runs.back().push_back(s);
  }
  if (runs.back().empty()) runs.pop_back();
  return runs;
}

class Drawing {
 public:
  Drawing(const Plot& plot, const std::vector<std::vector<Run>>& runs) : plot_(plot) {
    x_low_ = y_.low = std::numeric_limits<double>::infinity();
    x_high_ = y_.high = -x_low_;
    for (const auto& curve : runs)
      for (const Run& run : curve)
        for (const Stretch& s : run) {
          x_low_ = std::min(x_low_, s.x);
          x_high_ = std::max(x_high_, s.x);
          y_.low = std::min(y_.low, s.low);
          y_.high = std::max(y_.high, s.high);
        }
    y_.logarithmic = plot.logarithmic;
    if (x_low_ > 0 && x_low_ < 0.2 * x_high_) x_low_ = 0;
    if (x_high_ <= x_low_) x_high_ = x_low_ + 1;
    if (!plot.logarithmic) {
      y_.low = std::min(y_.low, 0.0);
      y_.high += 0.04 * (y_.high - y_.low);
    }
    if (plot.low) y_.low = *plot.low;
    if (plot.high) y_.high = *plot.high;
    if (y_.high <= y_.low) y_.high = plot.logarithmic ? y_.low * 10 : y_.low + 1;
  }

  std::string draw(const std::vector<std::vector<Run>>& runs) {
    out_ = tinygan::text("<svg viewBox=\"0 0 ", width, " ", height, "\" role=\"img\" aria-label=\"",
                         escape(plot_.y_label + " over " + plot_.x_label), "\">");
    bands();
    axes();
    for (std::size_t i = 0; i < runs.size(); ++i) curve(runs[i], tinygan::text("c", i));
    return out_ + "</svg>";
  }

 private:
  double px(double x) const { return left + (x - x_low_) / (x_high_ - x_low_) * (width - left - right); }
  double py(double y) const { return height - bottom - y_.share(y) * (height - top - bottom); }
  std::string point(double x, double y) const { return coordinate(px(x)) + "," + coordinate(py(y)) + " "; }

  void line(double x1, double y1, double x2, double y2, const std::string& classes) {
    out_ += tinygan::text("<line class=\"", classes, "\" x1=\"", coordinate(x1), "\" y1=\"", coordinate(y1), "\" x2=\"",
                          coordinate(x2), "\" y2=\"", coordinate(y2), "\"/>");
  }
  void text(double x, double y, const char* anchor, const std::string& s, const std::string& more = "") {
    out_ += tinygan::text("<text x=\"", coordinate(x), "\" y=\"", coordinate(y), "\" text-anchor=\"", anchor, "\"",
                          more, ">", escape(s), "</text>");
  }

  void bands() {
    for (std::size_t i = 0; i < plot_.bands.size(); ++i) {
      if (!plot_.bands[i]) continue;
      const double y1 = py(plot_.bands[i]->high), y2 = py(plot_.bands[i]->low);
      out_ += tinygan::text("<rect class=\"band c", i, "\" x=\"", left, "\" y=\"", coordinate(y1), "\" width=\"",
                            width - left - right, "\" height=\"", coordinate(std::max(0.0, y2 - y1)), "\"/>");
    }
  }

  void axes() {
    for (const double t : y_.ticks()) {
      line(left, py(t), width - right, py(t), "grid");
      text(left - 6, py(t) + 4.5, "end", number_text(t, 6));
    }
    for (const double t : round_ticks(x_low_, x_high_, 5)) {
      line(px(t), height - bottom, px(t), height - bottom + 4, "axis");
      text(std::min(px(t), width - right - 4), height - bottom + 18, "middle", number_text(t, 6));
    }
    line(left, height - bottom, width - right, height - bottom, "axis");
    line(left, top, left, height - bottom, "axis");
    text((left + width - right) / 2, height - 6, "middle", plot_.x_label);
    const double middle = (top + height - bottom) / 2;
    text(14, middle, "middle", plot_.y_label, tinygan::text(" transform=\"rotate(-90 14 ", middle, ")\""));
  }

  void curve(const std::vector<Run>& runs, const std::string& classes) {
    for (const Run& run : runs) {
      if (run.size() == 1) {
        out_ += tinygan::text("<circle class=\"", classes, "\" r=\"2.5\" cx=\"", coordinate(px(run[0].x)), "\" cy=\"",
                              coordinate(py(run[0].y)), "\"/>");
        continue;
      }
      std::string line, there, back;
      bool wide = false;
      for (const Stretch& s : run) {
        line += point(s.x, s.y);
        there += point(s.x, s.high);
        back = point(s.x, s.low) + back;
        wide = wide || s.high > s.low;
      }
      if (wide) out_ += tinygan::text("<polygon class=\"", classes, "\" points=\"", there, back, "\"/>");
      out_ += tinygan::text("<polyline class=\"", classes, "\" points=\"", line, "\"/>");
    }
  }

  const Plot& plot_;
  double x_low_ = 0, x_high_ = 0;
  Axis y_;
  std::string out_;
};

}  // namespace

std::string svg(const Plot& plot) {
  std::vector<std::vector<Run>> runs;
  bool any = false;
  for (const Curve& c : plot.curves) {
    runs.push_back(runs_of(c, plot.logarithmic));
    any = any || !runs.back().empty();
  }
  if (!any) return {};
  return Drawing(plot, runs).draw(runs);
}

}  // namespace dcgan_mnist
