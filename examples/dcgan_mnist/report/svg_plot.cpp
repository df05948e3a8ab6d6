#include "report/svg_plot.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <tinygan/base/error.hpp>

#include "report/html.hpp"
#include "report/svg_canvas.hpp"

namespace dcgan_mnist {

namespace {

constexpr std::size_t most_points = 300;  // per curve

/// Some consecutive points: their mean, and their range.
struct Stretch {
  double x = 0, y = 0, low = 0, high = 0;
};

/// A line without gaps.
using Run = std::vector<Stretch>;

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
  Drawing(const Plot& plot, const std::vector<std::vector<Run>>& runs)
      : plot_(plot), canvas_(plot.y_label + " over " + plot.x_label) {
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
    if (plot.reference) {
      y_.low = std::min(y_.low, *plot.reference);
      y_.high = std::max(y_.high, *plot.reference);
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
    for (std::size_t i = 0; i < plot_.bands.size(); ++i)
      if (plot_.bands[i])
        canvas_.rectangle(SvgCanvas::left, y(plot_.bands[i]->high), right_end, y(plot_.bands[i]->low),
                          tinygan::text("band c", i));
    canvas_.axes(y_, plot_.x_label, plot_.y_label);
    for (const double t : round_ticks(x_low_, x_high_, 5)) canvas_.x_value(x(t), number_text(t, 6), true);
    if (plot_.reference)
      canvas_.line(SvgCanvas::left, y(*plot_.reference), right_end, y(*plot_.reference), "reference");
    for (std::size_t i = 0; i < runs.size(); ++i) curve(runs[i], tinygan::text("c", i));
    return canvas_.finish();
  }

 private:
  static constexpr double right_end = SvgCanvas::width - SvgCanvas::right;

  double x(double v) const {
    return SvgCanvas::left + (v - x_low_) / (x_high_ - x_low_) * (right_end - SvgCanvas::left);
  }
  double y(double v) const { return canvas_.y(y_, v); }
  std::string point(double px, double py) const { return coordinate(x(px)) + "," + coordinate(y(py)) + " "; }

  void curve(const std::vector<Run>& runs, const std::string& classes) {
    for (const Run& run : runs) {
      if (run.size() == 1) {
        canvas_.add(tinygan::text("<circle class=\"", classes, "\" r=\"2.5\" cx=\"", coordinate(x(run[0].x)),
                                  "\" cy=\"", coordinate(y(run[0].y)), "\"/>"));
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
      if (wide) canvas_.add(tinygan::text("<polygon class=\"", classes, "\" points=\"", there, back, "\"/>"));
      canvas_.add(tinygan::text("<polyline class=\"", classes, "\" points=\"", line, "\"/>"));
    }
  }

  const Plot& plot_;
  SvgCanvas canvas_;
  double x_low_ = 0, x_high_ = 0;
  ValueAxis y_;
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
